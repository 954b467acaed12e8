"""What stands on the shelves of the simulated shop: plain tables, one line a product, read by `catalogue`.

A line is `name ; brand ; price in pounds ; origin ; tags`. Brands are invented. Tags say what goes with what.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["COMPANIONS", "SHELVES", "STORES", "Shelf"]


class Shelf(NamedTuple):
    """One category: where it belongs, what share of the price it costs the shop, how often it comes back."""

    department: str
    category: str
    cost_share: float
    return_rate: float
    glyph: str
    """The drawing that stands for its products in the storefront."""
    rows: str


SHELVES: tuple[Shelf, ...] = (
    Shelf("Wine", "Red wine", 0.56, 0.012, "bottle-red", """
        Chianti Classico ; Poggio Alto ; 12.00 ; Italy ; red
        Chianti Colli Senesi ; Fonte Lunga ; 10.50 ; Italy ; red
        Chianti Rufina ; Villa Serena ; 11.75 ; Italy ; red
        Chianti Classico Riserva ; Poggio Alto ; 19.50 ; Italy ; red
        Montepulciano d'Abruzzo ; Colle Sole ; 9.25 ; Italy ; red
        Barbera d'Asti ; Cascina Nuova ; 12.50 ; Italy ; red
        Valpolicella Ripasso ; Ca' dei Fiori ; 15.00 ; Italy ; red
        Nero d'Avola ; Isola Antica ; 9.95 ; Italy ; red
        Primitivo di Manduria ; Masseria Blu ; 12.95 ; Italy ; red
        Barolo ; Cascina Nuova ; 38.00 ; Italy ; red
        Brunello di Montalcino ; Fonte Lunga ; 45.00 ; Italy ; red
        Etna Rosso ; Isola Antica ; 21.00 ; Italy ; red
        Côtes du Rhône ; Domaine des Oliviers ; 11.50 ; France ; red
        Saint-Émilion Grand Cru ; Clos Marguerite ; 29.50 ; France ; red
        Bordeaux Supérieur ; Clos Marguerite ; 12.25 ; France ; red
        Bourgogne Pinot Noir ; Maison Perrin ; 18.50 ; France ; red
        Beaujolais-Villages ; Maison Perrin ; 10.95 ; France ; red
        Châteauneuf-du-Pape ; Domaine des Oliviers ; 34.00 ; France ; red
        Rioja Crianza ; Bodega Luz ; 11.25 ; Spain ; red
        Rioja Gran Reserva ; Bodega Luz ; 24.00 ; Spain ; red
        Ribera del Duero ; Dos Piedras ; 17.00 ; Spain ; red
        Garnacha Viñas Viejas ; Dos Piedras ; 9.50 ; Spain ; red
        Douro Tinto ; Quinta do Vale ; 12.75 ; Portugal ; red
        Malbec Reserva ; Alto Sur ; 12.00 ; Argentina ; red
        Carménère ; Alto Sur ; 9.75 ; Chile ; red
        Barossa Shiraz ; Red Gum Road ; 14.50 ; Australia ; red
        """),
    Shelf("Wine", "White wine", 0.56, 0.012, "bottle-white", """
        Soave Classico ; Ca' dei Fiori ; 11.00 ; Italy ; white
        Gavi di Gavi ; Cascina Nuova ; 13.50 ; Italy ; white
        Vermentino di Sardegna ; Isola Antica ; 12.25 ; Italy ; white
        Pinot Grigio delle Venezie ; Ca' dei Fiori ; 9.25 ; Italy ; white
        Verdicchio Castelli di Jesi ; Colle Sole ; 10.75 ; Italy ; white
        Chablis ; Maison Perrin ; 18.95 ; France ; white
        Sancerre ; Les Trois Pierres ; 19.50 ; France ; white
        Picpoul de Pinet ; Les Trois Pierres ; 10.50 ; France ; white
        Muscadet sur Lie ; Les Trois Pierres ; 9.95 ; France ; white
        Meursault ; Maison Perrin ; 46.00 ; France ; white
        Albariño ; Dos Piedras ; 13.95 ; Spain ; white
        Verdejo ; Bodega Luz ; 8.95 ; Spain ; white
        Vinho Verde ; Quinta do Vale ; 8.75 ; Portugal ; white
        Riesling Trocken ; Weingut Sonnhalde ; 12.50 ; Germany ; white
        Grauburgunder ; Weingut Sonnhalde ; 11.25 ; Germany ; white
        Grüner Veltliner ; Hofgut Lenz ; 11.95 ; Austria ; white
        Marlborough Sauvignon Blanc ; Fern & Tide ; 12.50 ; New Zealand ; white
        Chardonnay Reserve ; Red Gum Road ; 13.25 ; Australia ; white
        """),
    Shelf("Wine", "Sparkling and rosé", 0.55, 0.012, "bottle-rose", """
        Prosecco Superiore Brut ; Ca' dei Fiori ; 13.50 ; Italy ; sparkling
        Franciacorta Brut ; Villa Serena ; 26.00 ; Italy ; sparkling
        Lambrusco Secco ; Fonte Lunga ; 11.50 ; Italy ; sparkling
        Champagne Brut ; Aubry & Fils ; 34.00 ; France ; sparkling
        Champagne Rosé ; Aubry & Fils ; 41.00 ; France ; sparkling
        Crémant de Loire ; Les Trois Pierres ; 15.50 ; France ; sparkling
        Cava Brut Nature ; Bodega Luz ; 10.95 ; Spain ; sparkling
        Sussex Sparkling ; Chalk Lane ; 28.50 ; United Kingdom ; sparkling
        Provence Rosé ; Domaine des Oliviers ; 14.50 ; France ; rose
        Bardolino Chiaretto ; Ca' dei Fiori ; 10.95 ; Italy ; rose
        Navarra Rosado ; Dos Piedras ; 8.95 ; Spain ; rose
        Alcohol-free Sparkling ; Chalk Lane ; 9.50 ; United Kingdom ; sparkling
        """),
    Shelf("Food", "Pasta and rice", 0.52, 0.006, "packet", """
        Spaghetti di Gragnano ; Mulino Rossi ; 3.25 ; Italy ; pasta
        Penne Rigate ; Mulino Rossi ; 2.95 ; Italy ; pasta
        Orecchiette ; Mulino Rossi ; 3.50 ; Italy ; pasta
        Pappardelle all'uovo ; Nonna Lia ; 4.75 ; Italy ; pasta
        Tagliatelle with truffle ; Nonna Lia ; 6.95 ; Italy ; pasta
        Fusilli wholewheat ; Mulino Rossi ; 3.10 ; Italy ; pasta
        Carnaroli risotto rice ; Risaia Verde ; 5.25 ; Italy ; rice
        Arborio risotto rice ; Risaia Verde ; 4.50 ; Italy ; rice
        Paella rice ; Casa Marisol ; 4.95 ; Spain ; rice
        Basmati aged two years ; Spice Quarter ; 5.50 ; India ; rice
        Udon noodles ; Kumo ; 3.75 ; Japan ; noodle
        Soba noodles ; Kumo ; 4.25 ; Japan ; noodle
        """),
    Shelf("Food", "Sauces and oils", 0.5, 0.006, "jar", """
        Extra virgin olive oil 500 ml ; Frantoio Gallo ; 13.50 ; Italy ; oil
        Extra virgin olive oil 1 l ; Frantoio Gallo ; 23.00 ; Italy ; oil
        Arbequina olive oil ; Casa Marisol ; 11.95 ; Spain ; oil
        Chilli oil ; Frantoio Gallo ; 7.50 ; Italy ; oil
        Balsamic vinegar of Modena ; Acetaia Bruni ; 9.95 ; Italy ; vinegar
        Balsamic aged twelve years ; Acetaia Bruni ; 39.00 ; Italy ; vinegar
        Sherry vinegar ; Casa Marisol ; 6.50 ; Spain ; vinegar
        Tomato and basil sauce ; Nonna Lia ; 3.95 ; Italy ; sauce
        Arrabbiata sauce ; Nonna Lia ; 3.95 ; Italy ; sauce
        Wild boar ragù ; Nonna Lia ; 7.25 ; Italy ; sauce
        Pesto alla Genovese ; Nonna Lia ; 5.50 ; Italy ; sauce
        San Marzano tomatoes ; Orto del Sole ; 2.75 ; Italy ; sauce
        Dijon mustard ; Moulin Bleu ; 3.50 ; France ; condiment
        Cornish sea salt ; Tidepool ; 3.95 ; United Kingdom ; condiment
        Black garlic mayonnaise ; Tidepool ; 5.25 ; United Kingdom ; condiment
        White miso ; Kumo ; 5.95 ; Japan ; condiment
        """),
    Shelf("Food", "Cheese and charcuterie", 0.58, 0.01, "cheese", """
        Parmigiano Reggiano 24 months ; Latteria Monti ; 9.50 ; Italy ; cheese parmesan
        Pecorino Toscano ; Latteria Monti ; 8.25 ; Italy ; cheese
        Gorgonzola Dolce ; Latteria Monti ; 6.50 ; Italy ; cheese
        Burrata ; Latteria Monti ; 5.25 ; Italy ; cheese
        Comté 18 months ; Fruitière du Lac ; 9.75 ; France ; cheese
        Brie de Meaux ; Fruitière du Lac ; 7.25 ; France ; cheese
        Roquefort ; Fruitière du Lac ; 8.50 ; France ; cheese
        Manchego ; Casa Marisol ; 8.75 ; Spain ; cheese
        Somerset Cheddar ; Hollow Farm ; 6.25 ; United Kingdom ; cheese
        Stilton ; Hollow Farm ; 6.95 ; United Kingdom ; cheese
        Prosciutto di Parma ; Salumeria Conti ; 7.95 ; Italy ; charcuterie
        Finocchiona salami ; Salumeria Conti ; 6.75 ; Italy ; charcuterie
        Jamón Ibérico ; Casa Marisol ; 14.50 ; Spain ; charcuterie
        Saucisson sec ; Maison Roussel ; 6.95 ; France ; charcuterie
        Antipasti selection ; Orto del Sole ; 11.50 ; Italy ; charcuterie
        """),
    Shelf("Food", "Coffee and tea", 0.48, 0.008, "cup", """
        Espresso beans 1 kg ; Torrefazione Blu ; 19.50 ; Italy ; coffee
        Espresso beans 250 g ; Torrefazione Blu ; 6.75 ; Italy ; coffee
        Ethiopian filter beans ; Harbour Roast ; 9.50 ; Ethiopia ; coffee
        Colombian filter beans ; Harbour Roast ; 8.75 ; Colombia ; coffee
        Decaf beans ; Harbour Roast ; 8.50 ; Colombia ; coffee
        Ground moka coffee ; Torrefazione Blu ; 5.95 ; Italy ; coffee
        English breakfast tea ; Penrose Tea ; 5.25 ; United Kingdom ; tea
        Earl Grey ; Penrose Tea ; 5.50 ; United Kingdom ; tea
        Darjeeling first flush ; Penrose Tea ; 9.95 ; India ; tea
        Sencha ; Kumo ; 8.95 ; Japan ; tea
        Matcha ceremonial ; Kumo ; 18.50 ; Japan ; tea
        Peppermint leaves ; Penrose Tea ; 4.50 ; United Kingdom ; tea
        """),
    Shelf("Food", "Chocolate and biscuits", 0.5, 0.006, "bar", """
        Dark chocolate 70 % ; Cacao Nord ; 3.95 ; Belgium ; chocolate
        Dark chocolate 85 % ; Cacao Nord ; 4.25 ; Belgium ; chocolate
        Milk chocolate sea salt ; Cacao Nord ; 3.95 ; Belgium ; chocolate
        Gianduja squares ; Torino Dolce ; 8.50 ; Italy ; chocolate
        Chocolate truffles box ; Cacao Nord ; 16.50 ; Belgium ; chocolate gift
        Cantuccini ; Forno Antico ; 4.95 ; Italy ; biscuit
        Amaretti ; Forno Antico ; 5.25 ; Italy ; biscuit
        Butter shortbread ; Hollow Farm ; 4.50 ; United Kingdom ; biscuit
        Stroopwafels ; Molenaar ; 3.75 ; Netherlands ; biscuit
        Panettone ; Forno Antico ; 18.50 ; Italy ; biscuit gift winter
        Lebkuchen tin ; Konditorei Lang ; 12.50 ; Germany ; biscuit gift winter
        Oat crackers for cheese ; Hollow Farm ; 3.25 ; United Kingdom ; biscuit cracker
        """),
    Shelf("Food", "Preserves and honey", 0.47, 0.006, "jar", """
        Acacia honey ; Apiario Sole ; 7.25 ; Italy ; honey
        Heather honey ; Moorland Bees ; 8.50 ; United Kingdom ; honey
        Lavender honey ; Domaine des Oliviers ; 8.25 ; France ; honey
        Apricot jam ; Moulin Bleu ; 4.95 ; France ; jam
        Strawberry jam ; Hollow Farm ; 4.25 ; United Kingdom ; jam
        Seville marmalade ; Hollow Farm ; 4.50 ; United Kingdom ; jam
        Fig chutney ; Hollow Farm ; 4.75 ; United Kingdom ; jam chutney
        Quince paste ; Casa Marisol ; 5.50 ; Spain ; jam chutney
        Hazelnut spread ; Torino Dolce ; 6.95 ; Italy ; jam
        Capers in salt ; Isola Antica ; 4.25 ; Italy ; condiment
        Anchovies of Cantabria ; Casa Marisol ; 8.95 ; Spain ; fish
        Sardines in olive oil ; Porto Azul ; 4.50 ; Portugal ; fish
        Tuna fillets ; Porto Azul ; 6.25 ; Portugal ; fish
        """),
    Shelf("Home", "Bar and wine", 0.42, 0.05, "corkscrew", """
        Waiter's corkscrew ; Tavola ; 12.50 ; Italy ; corkscrew
        Lever corkscrew ; Tavola ; 34.00 ; Italy ; corkscrew
        Olive wood corkscrew ; Bosco ; 22.00 ; Italy ; corkscrew
        Red wine glasses, set of 4 ; Vetro Chiaro ; 36.00 ; Italy ; wineglass
        White wine glasses, set of 4 ; Vetro Chiaro ; 34.00 ; Italy ; wineglass
        Champagne flutes, set of 4 ; Vetro Chiaro ; 38.00 ; Italy ; flute
        Tumblers, set of 6 ; Vetro Chiaro ; 24.00 ; Italy ; glass
        Crystal decanter ; Vetro Chiaro ; 48.00 ; Italy ; decanter
        Wine cooler sleeve ; Tavola ; 14.50 ; Germany ; cooler
        Marble wine cooler ; Stonefield ; 39.00 ; Portugal ; cooler
        Vacuum wine stopper ; Tavola ; 11.00 ; Germany ; stopper
        Bottle rack for 12 ; Bosco ; 29.50 ; Portugal ; rack
        Cocktail shaker ; Tavola ; 26.00 ; Germany ; bar
        """),
    Shelf("Home", "Kitchen", 0.45, 0.055, "pot", """
        Cast iron casserole 24 cm ; Ferro & Flamme ; 129.00 ; France ; pot
        Cast iron casserole 20 cm ; Ferro & Flamme ; 99.00 ; France ; pot
        Carbon steel pan 28 cm ; Ferro & Flamme ; 49.00 ; France ; pan
        Non-stick pan 24 cm ; Nordhus ; 39.00 ; Denmark ; pan
        Pasta pot with strainer ; Tavola ; 59.00 ; Italy ; pot pastapot
        Pasta machine ; Tavola ; 65.00 ; Italy ; pastapot
        Moka pot for 3 ; Torrefazione Blu ; 28.00 ; Italy ; moka
        Moka pot for 6 ; Torrefazione Blu ; 36.00 ; Italy ; moka
        Burr coffee grinder ; Nordhus ; 119.00 ; Denmark ; grinder
        Hand coffee grinder ; Nordhus ; 54.00 ; Denmark ; grinder
        Pour-over dripper ; Kumo ; 24.00 ; Japan ; dripper
        Cast iron teapot ; Kumo ; 58.00 ; Japan ; teapot
        Chef's knife 20 cm ; Kumo ; 89.00 ; Japan ; knife
        Paring knife ; Kumo ; 32.00 ; Japan ; knife
        Parmesan grater ; Tavola ; 16.50 ; Italy ; grater
        Olive wood board ; Bosco ; 34.00 ; Italy ; board
        Cheese knives, set of 3 ; Bosco ; 24.00 ; Italy ; cheeseknife
        Salt and pepper mills ; Bosco ; 38.00 ; Portugal ; mill
        Digital scale ; Nordhus ; 29.00 ; Denmark ; scale
        Linen apron ; Filo ; 32.00 ; Portugal ; apron
        """),
    Shelf("Home", "Table", 0.44, 0.07, "plate", """
        Stoneware dinner plates, set of 4 ; Stonefield ; 56.00 ; Portugal ; plate
        Stoneware side plates, set of 4 ; Stonefield ; 44.00 ; Portugal ; plate
        Pasta bowls, set of 4 ; Stonefield ; 52.00 ; Portugal ; plate pastabowl
        Serving platter ; Stonefield ; 36.00 ; Portugal ; plate
        Espresso cups, set of 4 ; Stonefield ; 32.00 ; Portugal ; mug espressocup
        Stoneware mug ; Stonefield ; 13.00 ; Portugal ; mug
        Tea bowl ; Kumo ; 18.00 ; Japan ; mug teabowl
        Cutlery set, 24 pieces ; Nordhus ; 119.00 ; Denmark ; cutlery
        Steak knives, set of 4 ; Nordhus ; 59.00 ; Denmark ; cutlery
        Linen tablecloth ; Filo ; 69.00 ; Portugal ; linen
        Linen napkins, set of 4 ; Filo ; 28.00 ; Portugal ; linen
        Salad bowl with servers ; Bosco ; 46.00 ; Portugal ; bowl
        Glass carafe ; Vetro Chiaro ; 22.00 ; Italy ; carafe
        Oil and vinegar set ; Vetro Chiaro ; 26.00 ; Italy ; cruet
        """),
    Shelf("Home", "Living", 0.43, 0.08, "candle", """
        Beeswax candles, pair ; Moorland Bees ; 14.00 ; United Kingdom ; candle
        Scented candle fig ; Atelier Brume ; 32.00 ; France ; candle
        Scented candle cedar ; Atelier Brume ; 32.00 ; France ; candle
        Wool throw ; Filo ; 79.00 ; United Kingdom ; throw
        Linen cushion ; Filo ; 38.00 ; Portugal ; cushion
        Stoneware vase ; Stonefield ; 42.00 ; Portugal ; vase
        Bath towel ; Filo ; 26.00 ; Portugal ; towel
        Hand towel ; Filo ; 12.00 ; Portugal ; towel
        Linen duvet cover ; Filo ; 145.00 ; Portugal ; bedding
        Linen pillowcases, pair ; Filo ; 48.00 ; Portugal ; bedding
        Olive oil soap ; Frantoio Gallo ; 6.50 ; Italy ; soap
        Hand wash bergamot ; Atelier Brume ; 18.00 ; France ; soap
        Market basket ; Bosco ; 39.00 ; Portugal ; basket
        Picnic blanket ; Filo ; 54.00 ; United Kingdom ; picnic summer
        Terracotta herb pots, set of 3 ; Stonefield ; 24.00 ; Italy ; garden summer
        Secateurs ; Nordhus ; 29.00 ; Denmark ; garden summer
        Fairy lights ; Nordhus ; 22.00 ; Denmark ; light winter
        """),
    Shelf("Clothing", "Women", 0.37, 0.27, "dress", """
        Linen shirt dress ; Alba ; 98.00 ; Portugal ; dress summer
        Wrap dress ; Alba ; 89.00 ; Italy ; dress
        Merino jumper ; Tern & Wool ; 79.00 ; United Kingdom ; knit winter
        Cashmere cardigan ; Tern & Wool ; 149.00 ; United Kingdom ; knit winter
        Silk blouse ; Alba ; 95.00 ; Italy ; blouse
        Cotton blouse ; Alba ; 59.00 ; Portugal ; blouse
        Linen trousers ; Alba ; 75.00 ; Portugal ; trousers summer
        Wide wool trousers ; Alba ; 99.00 ; Italy ; trousers
        Straight jeans ; Mill Lane ; 85.00 ; Italy ; jeans
        Slim jeans ; Mill Lane ; 79.00 ; Italy ; jeans
        Pleated skirt ; Alba ; 69.00 ; Italy ; skirt
        Breton top ; Petit Port ; 45.00 ; France ; top
        Cotton T-shirt ; Petit Port ; 25.00 ; Portugal ; top
        Trench coat ; Alba ; 189.00 ; Italy ; coat
        Quilted jacket ; Mill Lane ; 129.00 ; Italy ; coat winter
        Leather ankle boots ; Passo ; 145.00 ; Italy ; shoe
        Leather loafers ; Passo ; 125.00 ; Italy ; shoe
        Canvas trainers ; Petit Port ; 65.00 ; Portugal ; shoe
        """),
    Shelf("Clothing", "Men", 0.38, 0.2, "shirt", """
        Oxford shirt ; Mill Lane ; 59.00 ; Portugal ; shirt
        Linen shirt ; Mill Lane ; 65.00 ; Portugal ; shirt summer
        Flannel shirt ; Mill Lane ; 62.00 ; Portugal ; shirt winter
        Merino crew neck ; Tern & Wool ; 79.00 ; United Kingdom ; knit winter
        Lambswool cardigan ; Tern & Wool ; 89.00 ; United Kingdom ; knit winter
        Chinos ; Mill Lane ; 69.00 ; Portugal ; trousers
        Corduroy trousers ; Mill Lane ; 79.00 ; Portugal ; trousers winter
        Selvedge jeans ; Mill Lane ; 115.00 ; Italy ; jeans
        Linen shorts ; Petit Port ; 49.00 ; Portugal ; shorts summer
        Polo shirt ; Petit Port ; 45.00 ; Portugal ; top
        Heavy cotton T-shirt ; Petit Port ; 29.00 ; Portugal ; top
        Waxed jacket ; Hollow Farm ; 169.00 ; United Kingdom ; coat
        Wool overcoat ; Alba ; 239.00 ; Italy ; coat winter
        Unlined blazer ; Alba ; 179.00 ; Italy ; blazer
        Suede desert boots ; Passo ; 119.00 ; Italy ; shoe
        Leather trainers ; Passo ; 99.00 ; Italy ; shoe
        """),
    Shelf("Clothing", "Children", 0.4, 0.16, "shirt", """
        Striped T-shirt ; Petit Port ; 18.00 ; Portugal ; kids
        Dungarees ; Petit Port ; 42.00 ; Portugal ; kids
        Cotton leggings ; Petit Port ; 16.00 ; Portugal ; kids
        Wool bobble hat ; Tern & Wool ; 19.00 ; United Kingdom ; kids winter
        Rain jacket ; Petit Port ; 49.00 ; Portugal ; kids
        Pyjamas ; Petit Port ; 28.00 ; Portugal ; kids
        Knitted jumper ; Tern & Wool ; 36.00 ; United Kingdom ; kids winter
        Sun hat ; Petit Port ; 15.00 ; Portugal ; kids summer
        Rubber boots ; Petit Port ; 26.00 ; Portugal ; kids
        """),
    Shelf("Clothing", "Accessories", 0.36, 0.09, "scarf", """
        Silk scarf ; Alba ; 59.00 ; Italy ; scarf
        Wool scarf ; Tern & Wool ; 45.00 ; United Kingdom ; scarf winter
        Leather belt ; Passo ; 49.00 ; Italy ; belt
        Leather gloves ; Passo ; 55.00 ; Italy ; gloves winter
        Leather tote ; Passo ; 169.00 ; Italy ; bag
        Canvas shopper ; Petit Port ; 22.00 ; Portugal ; bag
        Card holder ; Passo ; 35.00 ; Italy ; wallet gift
        Merino socks, pair ; Tern & Wool ; 12.00 ; United Kingdom ; socks
        Cotton socks, 3 pairs ; Petit Port ; 15.00 ; Portugal ; socks
        Straw hat ; Alba ; 39.00 ; Italy ; hat summer
        Silk tie ; Alba ; 49.00 ; Italy ; tie
        Sunglasses ; Alba ; 89.00 ; Italy ; sunglasses summer
        """),
    Shelf("Food", "Bakery and baking", 0.45, 0.008, "packet", """
        Sourdough loaf ; Forno Antico ; 4.25 ; United Kingdom ; bread
        Focaccia with rosemary ; Forno Antico ; 4.50 ; Italy ; bread
        Rye bread ; Molenaar ; 3.95 ; Netherlands ; bread
        Grissini ; Forno Antico ; 3.25 ; Italy ; bread
        Flour type 00 ; Mulino Rossi ; 2.50 ; Italy ; flour
        Semolina ; Mulino Rossi ; 2.75 ; Italy ; flour
        Vanilla pods ; Spice Quarter ; 7.50 ; Madagascar ; spice
        Saffron threads ; Spice Quarter ; 8.95 ; Spain ; spice
        Smoked paprika ; Casa Marisol ; 3.50 ; Spain ; spice
        Tellicherry pepper ; Spice Quarter ; 5.50 ; India ; spice
        Garam masala ; Spice Quarter ; 4.25 ; India ; spice
        Dried porcini ; Bosco Umbro ; 7.95 ; Italy ; mushroom
        """),
    Shelf("Food", "Hampers and gifts", 0.5, 0.02, "hamper", """
        Tuscan supper hamper ; Poggio Alto ; 59.00 ; Italy ; gift
        Italian wine and cheese hamper ; Latteria Monti ; 75.00 ; Italy ; gift
        French picnic hamper ; Moulin Bleu ; 69.00 ; France ; gift summer
        Coffee lover's box ; Harbour Roast ; 42.00 ; United Kingdom ; gift
        Tea lover's box ; Penrose Tea ; 36.00 ; United Kingdom ; gift
        Chocolate lover's box ; Cacao Nord ; 39.00 ; Belgium ; gift
        Christmas hamper ; Hollow Farm ; 110.00 ; United Kingdom ; gift winter
        Six Italian reds ; Fonte Lunga ; 66.00 ; Italy ; red gift
        Six French whites ; Les Trois Pierres ; 72.00 ; France ; white gift
        Olive oil trio ; Frantoio Gallo ; 34.00 ; Italy ; oil gift
        """),
)  # fmt: skip

COMPANIONS: dict[str, tuple[str, ...]] = {
    "red": ("corkscrew", "corkscrew", "wineglass", "decanter", "cheese", "charcuterie", "stopper"),
    "white": ("corkscrew", "wineglass", "cooler", "fish", "cheese"),
    "rose": ("corkscrew", "cooler", "picnic"),
    "sparkling": ("flute", "stopper", "chocolate"),
    "pasta": ("sauce", "sauce", "parmesan", "oil", "pastapot", "pastabowl"),
    "rice": ("spice", "mushroom", "parmesan"),
    "noodle": ("condiment", "teabowl"),
    "sauce": ("pasta", "pasta", "parmesan", "grater"),
    "oil": ("vinegar", "bread", "cruet"),
    "vinegar": ("oil", "cruet"),
    "cheese": ("cracker", "chutney", "cheeseknife", "board", "red"),
    "charcuterie": ("bread", "board", "red"),
    "coffee": ("grinder", "moka", "espressocup", "biscuit", "dripper"),
    "tea": ("teapot", "teabowl", "biscuit", "honey"),
    "chocolate": ("coffee", "gift"),
    "biscuit": ("coffee", "tea"),
    "honey": ("tea", "bread"),
    "jam": ("bread", "tea"),
    "flour": ("pastapot", "scale"),
    "corkscrew": ("red", "white", "stopper"),
    "wineglass": ("decanter", "red", "carafe"),
    "decanter": ("red", "wineglass"),
    "moka": ("coffee", "espressocup"),
    "grinder": ("coffee", "scale"),
    "pot": ("pan", "mill", "apron"),
    "pan": ("mill", "oil"),
    "knife": ("board", "knife"),
    "plate": ("cutlery", "linen", "plate"),
    "candle": ("candle", "vase"),
    "bedding": ("bedding", "throw"),
    "towel": ("soap", "towel"),
    "dress": ("scarf", "shoe", "bag"),
    "blouse": ("trousers", "skirt", "scarf"),
    "knit": ("scarf", "jeans", "socks"),
    "trousers": ("belt", "shoe", "shirt"),
    "jeans": ("belt", "top", "shoe"),
    "shirt": ("trousers", "tie", "belt"),
    "coat": ("scarf", "gloves"),
    "blazer": ("shirt", "tie", "trousers"),
    "shoe": ("socks",),
    "kids": ("kids", "socks"),
    "top": ("jeans", "shorts"),
}
"""A product with this tag is often bought with one that has a tag of the list; named twice weighs twice."""

STORES: tuple[tuple[str, str, str], ...] = (
    ("bath", "Bath", "GB"),
    ("bristol", "Bristol", "GB"),
    ("edinburgh", "Edinburgh", "GB"),
    ("london-marylebone", "London", "GB"),
    ("manchester", "Manchester", "GB"),
    ("dublin", "Dublin", "IE"),
    ("hamburg", "Hamburg", "DE"),
    ("lyon", "Lyon", "FR"),
    ("bologna", "Bologna", "IT"),
)
"""Key, city and country of each store; every one has a till and a kiosk."""
