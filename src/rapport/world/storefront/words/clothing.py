"""What is said of each garment: name ; what it is like ; what it is made of ; colour ; how it fits ; how it is cared for."""

from __future__ import annotations

__all__ = ["ROWS"]

ROWS = """
Linen shirt dress ; A dress that looks after itself: rolled sleeves, a tie at the waist, buttons of olive wood all the way down. ; 100 % European linen ; sea blue ; relaxed, to the knee ; 40 °C, dry on the line
Wrap dress ; Cut on the bias so that it moves before you do. The tie sits at the side and stays there. ; 100 % viscose crêpe ; garnet paisley ; fitted waist, to the knee ; 30 °C, gentle
Merino jumper ; Fine-gauge merino with a ribbed neck, light enough to wear under a coat, warm enough without one. ; 100 % extra fine merino ; sage ; regular, to the hip ; wool wash 30 °C
Cashmere cardigan ; Long sleeves, a deep V and six horn-coloured buttons. Two-ply cashmere from a mill that has done nothing else since 1874. ; 100 % two-ply cashmere ; oatmeal ; regular, to the hip ; by hand, dry flat
Silk blouse ; Washed silk with a soft bow at the neck and full sleeves gathered into the cuff. ; 100 % mulberry silk ; champagne ; relaxed ; by hand, cool iron
Cotton blouse ; Pintucks down the front, a narrow stand collar, crisp cotton that softens with every wash. ; 100 % cotton poplin ; chalk white ; relaxed ; 40 °C, warm iron
Linen trousers ; A drawstring waist and a straight, generous leg. The first thing into a summer bag. ; 100 % European linen ; sand ; straight, mid rise ; 40 °C
Wide wool trousers ; Pressed with a crease, hung from a high waist, wide enough to walk fast in. ; 98 % wool, 2 % elastane ; charcoal herringbone ; wide leg, high rise ; dry clean
Straight jeans ; A straight leg in mid-weight denim with just enough give. ; 99 % cotton, 1 % elastane, 12 oz ; mid blue ; straight, mid rise ; 30 °C, inside out
Slim jeans ; Close through the leg, dark as ink, with a clean hem. ; 98 % cotton, 2 % elastane, 11 oz ; ink ; slim, mid rise ; 30 °C, inside out
Pleated skirt ; Knife pleats set by hand and pressed to stay. It swings; that is the point. ; 100 % recycled polyester twill ; bottle green ; high waist, midi ; 30 °C, hang to dry
Breton top ; Knitted in Brittany on the machines that dressed the navy. Boat neck, long sleeves, honest stripes. ; 100 % cotton, 240 g ; chalk and navy ; straight ; 40 °C
Cotton T-shirt ; The plain one, done properly: combed cotton, a neck that keeps its shape. ; 100 % organic cotton, 180 g ; white ; regular ; 40 °C
Trench coat ; Double-breasted, belted, with storm flap and straps. Cotton gabardine tight enough to turn rain. ; 100 % cotton gabardine, viscose lining ; stone ; relaxed, below the knee ; dry clean
Quilted jacket ; Diamond quilting, a corduroy collar and pockets for both hands and a dog lead. ; recycled polyamide, 80 g fill ; forest ; regular, to the hip ; 30 °C, gentle
Leather ankle boots ; Elastic sides, a leather sole and a last we have not changed in nine years. ; calf leather, leather lining ; espresso ; true to size ; wax polish, shoe trees
Leather loafers ; Hand-stitched apron, penny strap, a heel low enough for cobbles. ; calf leather, leather sole ; chestnut ; size up between sizes ; cream polish
Canvas trainers ; Cotton canvas on a vulcanised sole, with a red heel. ; cotton canvas, natural rubber ; ecru ; true to size ; sponge clean
Oxford shirt ; Basket-woven cotton that gets better for ten years. Button-down in spirit if not in fact. ; 100 % cotton oxford ; sky ; regular ; 40 °C, warm iron
Linen shirt ; Woven in Portugal, washed soft, never to be ironed with conviction. ; 100 % linen, 160 g ; natural ; relaxed ; 40 °C
Flannel shirt ; Brushed on both sides, with two flap pockets. A bonfire in shirt form. ; 100 % cotton flannel ; russet check ; relaxed ; 30 °C
Merino crew neck ; Under a blazer, over a shirt, on its own: the jumper that does the work of three. ; 100 % merino ; navy ; regular ; wool wash 30 °C
Lambswool cardigan ; Chunky rib, leather buttons, two pockets. Sleeves long enough to pull over cold hands. ; 100 % lambswool ; moss ; relaxed ; by hand, dry flat
Chinos ; Garment-dyed twill with a straight leg. Good with boots, good without socks. ; 98 % cotton, 2 % elastane ; tobacco ; straight, mid rise ; 40 °C
Corduroy trousers ; Eight wales to the inch, the colour of a conker. ; 100 % cotton corduroy ; chestnut ; regular, mid rise ; 30 °C, inside out
Selvedge jeans ; Narrow-loom denim from Candiani, raw, with the red line inside the hem. They start stiff and end as yours. ; 100 % cotton, 13.5 oz selvedge ; raw indigo ; straight, mid rise ; rarely, cold
Linen shorts ; Drawstring, two pockets, above the knee. ; 100 % linen ; eucalyptus ; relaxed ; 40 °C
Polo shirt ; Piqué cotton with a collar that stands up for itself. ; 100 % cotton piqué ; pine ; regular ; 40 °C
Heavy cotton T-shirt ; 260 grams a square metre, boxy, pre-washed so it will not shrink. ; 100 % organic cotton, 260 g ; olive ; boxy ; 40 °C
Waxed jacket ; Six-ounce waxed cotton, a tartan lining, pockets made for cartridges and used for dog biscuits. ; waxed cotton, cotton lining ; olive ; room for a jumper ; sponge, re-wax once a year
Wool overcoat ; Herringbone tweed woven in Biella, single-breasted, cut to go over a jacket. ; 90 % wool, 10 % cashmere ; oak herringbone ; regular, to the knee ; dry clean
Unlined blazer ; No lining, no padding, no fuss: hopsack wool that breathes. ; 100 % wool hopsack ; navy ; regular ; dry clean
Suede desert boots ; Two eyelets, a crepe sole and soft suede from Tuscany. ; calf suede, crepe sole ; sand ; size down between sizes ; brush, protector spray
Leather trainers ; White leather, green heel, stitched rather than glued. ; calf leather, rubber cup sole ; white and green ; true to size ; damp cloth
Striped T-shirt ; Stripes that survive the sandpit. ; 100 % organic cotton ; ecru and poppy ; regular ; 40 °C
Dungarees ; Soft denim, adjustable straps, reinforced knees. ; 98 % cotton, 2 % elastane ; washed blue ; room to grow ; 40 °C
Cotton leggings ; Ribbed, stretchy, with a waistband that does not pinch. ; 95 % organic cotton, 5 % elastane ; teal ; close ; 40 °C
Wool bobble hat ; A pattern from Fair Isle and a bobble of proper size. ; 100 % lambswool ; loch blue ; 2 to 9 years ; by hand
Rain jacket ; Sealed seams, a hood that stays up, yellow because puddles are fun. ; recycled polyester, PU coated ; yellow ; room for a jumper ; 30 °C
Pyjamas ; A real pair: collar, buttons, ticking stripes. ; 100 % organic cotton ; blue ticking ; loose ; 40 °C
Knitted jumper ; Thick lambswool with a row of diamonds. Itch-free; we tested it on the people concerned. ; 70 % lambswool, 30 % cotton ; marmalade ; regular ; wool wash 30 °C
Sun hat ; A wide brim, a dotted print, ties under the chin. UPF 50. ; 100 % cotton ; peach dot ; 2 to 9 years ; 30 °C
Rubber boots ; Natural rubber, a yellow sole, easy to pull on by oneself. ; natural rubber, cotton lining ; lake blue ; true to size ; rinse
Silk scarf ; 70 by 70 centimetres, printed in Como, hem rolled by hand. ; 100 % silk twill ; coral paisley ; 70 × 70 cm ; dry clean
Wool scarf ; Woven in the Borders, fringed, wide enough for a shawl. ; 100 % lambswool ; slate check ; 30 × 190 cm ; by hand
Leather belt ; Vegetable-tanned bridle leather and a solid brass buckle. ; cow leather, brass ; cognac ; 3 cm wide ; leather balm
Leather gloves ; Unlined lambskin with a knitted cuff, cut close enough to find your keys. ; lambskin, wool cuff ; espresso ; true to size ; leather balm
Leather tote ; Holds a laptop, a bottle and a loaf. The leather darkens where you hold it. ; vegetable-tanned leather ; cognac ; 38 × 32 × 14 cm ; leather balm
Canvas shopper ; Heavy canvas, our name on it, seams that have carried six bottles. ; 100 % cotton canvas, 400 g ; natural ; 38 × 36 × 14 cm ; 30 °C
Card holder ; Four cards and a folded note, no more. ; calf leather ; bottle green ; 10 × 8 cm ; leather balm
Merino socks, pair ; Ribbed merino with a reinforced heel and toe, knitted in Leicester. ; 70 % merino, 28 % polyamide, 2 % elastane ; brick ; one size 39–45 ; wool wash 30 °C
Cotton socks, 3 pairs ; Navy, ecru and sage, with two stripes at the cuff. ; 78 % cotton, 20 % polyamide, 2 % elastane ; navy, ecru, sage ; one size 37–44 ; 40 °C
Straw hat ; Woven straw with a grosgrain band. Goes to market, comes back full. ; paper straw, cotton band ; straw ; 57 to 59 cm, adjustable ; wipe
Silk tie ; Woven silk, self-tipped, seven centimetres at the widest. ; 100 % silk ; navy with gold dots ; 7 × 148 cm ; dry clean
Sunglasses ; Bio-acetate frames, polarised lenses, made in Cadore. ; bio-acetate, UV400 lenses ; tortoise ; medium ; microfibre cloth
"""
