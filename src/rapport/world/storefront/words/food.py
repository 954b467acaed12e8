"""What is said of each food: name ; what it is like ; how much ; how it keeps ; allergens."""

from __future__ import annotations

__all__ = ["ROWS"]

ROWS = """
Spaghetti di Gragnano ; Drawn through bronze, dried for two days in the hills above Naples. Rough enough to hold its sauce. ; 500 g ; dry, 24 months ; wheat
Penne Rigate ; Ridged, sturdy, forgiving of a minute too long. ; 500 g ; dry, 24 months ; wheat
Orecchiette ; Little ears from Puglia, thumb-pressed, made for turnip tops and anchovy. ; 500 g ; dry, 24 months ; wheat
Pappardelle all'uovo ; Wide ribbons with eight eggs to the kilo. ; 250 g ; dry, 18 months ; wheat, egg
Tagliatelle with truffle ; Egg pasta with black summer truffle worked into the dough. Butter is enough. ; 250 g ; dry, 18 months ; wheat, egg
Fusilli wholewheat ; Nutty wholewheat spirals that still have bite. ; 500 g ; dry, 18 months ; wheat
Carnaroli risotto rice ; The cook's choice: holds its shape while the starch does the work. ; 1 kg ; dry, 24 months ; none
Arborio risotto rice ; Large grain, creamy result. ; 1 kg ; dry, 24 months ; none
Paella rice ; Bomba from the Ebro delta, which drinks three times its weight in stock. ; 1 kg ; dry, 24 months ; none
Basmati aged two years ; Aged so that every grain stands apart. ; 1 kg ; dry, 24 months ; none
Udon noodles ; Thick, springy wheat noodles from Sanuki. ; 300 g ; dry, 18 months ; wheat
Soba noodles ; Eighty per cent buckwheat. Cold with dipping sauce, or hot in broth. ; 200 g ; dry, 18 months ; wheat, buckwheat
Extra virgin olive oil 500 ml ; Pressed within six hours of picking: artichoke, green tomato, a peppery catch. ; 500 ml ; dark, 18 months ; none
Extra virgin olive oil 1 l ; The same oil in a tin, which is how it keeps best. ; 1 l ; dark, 18 months ; none
Arbequina olive oil ; Mild and sweet, with almond and banana. The one for mayonnaise. ; 500 ml ; dark, 18 months ; none
Chilli oil ; Calabrian chillies steeped in the second pressing. ; 250 ml ; dark, 12 months ; none
Balsamic vinegar of Modena ; Dense and balanced, three years in cask. ; 250 ml ; 5 years ; sulphites
Balsamic aged twelve years ; By the drop: on Parmigiano, on strawberries, on a spoon. ; 100 ml ; 10 years ; sulphites
Sherry vinegar ; Reserva from Jerez, walnut and raisin. ; 375 ml ; 5 years ; sulphites
Tomato and basil sauce ; Tomatoes, basil, oil, salt. That is the list. ; 400 g ; 18 months, opened 4 days ; none
Arrabbiata sauce ; Angry, as it says. ; 400 g ; 18 months, opened 4 days ; none
Wild boar ragù ; Six hours with juniper and red wine. ; 300 g ; 18 months, opened 3 days ; celery, sulphites
Pesto alla Genovese ; Basil from Pra', pine nuts, two cheeses; never heated. ; 180 g ; chilled, 6 months ; milk, nuts
San Marzano tomatoes ; Whole, peeled, from the slopes of Vesuvius. ; 400 g ; 36 months ; none
Dijon mustard ; Stone-ground and hot at the back of the nose. ; 210 g ; 18 months ; mustard, sulphites
Cornish sea salt ; Flakes from the Lizard, harvested by wind and patience. ; 220 g ; for ever ; none
Black garlic mayonnaise ; Sweet, dark, ruinous for ordinary mayonnaise. ; 180 g ; chilled once opened ; egg, mustard
White miso ; Young and mild; salads, fish, butter. ; 300 g ; chilled, 12 months ; soya
Parmigiano Reggiano 24 months ; Cut to order from a wheel we tapped ourselves. Crystals, pineapple, broth. ; 300 g ; chilled, 6 weeks ; milk
Pecorino Toscano ; Sheep's milk, four months, a little grass. ; 250 g ; chilled, 5 weeks ; milk
Gorgonzola Dolce ; The creamy, gentle one. Spoon, pear, done. ; 200 g ; chilled, 3 weeks ; milk
Burrata ; Made yesterday in Andria, eaten today, we hope. ; 200 g ; chilled, 7 days ; milk
Comté 18 months ; Hazelnut and toffee from summer milk. ; 250 g ; chilled, 6 weeks ; milk
Brie de Meaux ; Raw milk, mushroom rind, the runnier the better. ; 250 g ; chilled, 3 weeks ; milk
Roquefort ; Salt, butter, blue lightning from the caves of Combalou. ; 150 g ; chilled, 4 weeks ; milk
Manchego ; Nine months, sheep, the zigzag of the esparto belt on its rind. ; 250 g ; chilled, 6 weeks ; milk
Somerset Cheddar ; Cloth-bound, twelve months, made within sight of Cheddar. ; 250 g ; chilled, 6 weeks ; milk
Stilton ; Creamy, crumbly, properly blue. Not only for Christmas. ; 200 g ; chilled, 4 weeks ; milk
Prosciutto di Parma ; Eighteen months on the bone, sliced the morning it leaves. ; 100 g ; chilled, 2 weeks ; none
Finocchiona salami ; Wild fennel seed and a coarse, soft cut. ; 200 g ; cool, 8 weeks ; none
Jamón Ibérico ; Acorn-fed, thirty-six months, cut by knife. ; 80 g ; chilled, 3 weeks ; none
Saucisson sec ; Dry-cured pork with garlic and black pepper. ; 200 g ; cool, 8 weeks ; none
Antipasti selection ; Artichokes, peppers and olives in one tall jar. ; 580 g ; 18 months, opened 1 week ; sulphites
Espresso beans 1 kg ; Nine parts arabica, one part fire. Hazelnut, cocoa, a long crema. ; 1 kg ; sealed, 12 months ; none
Espresso beans 250 g ; The same blend for those who want it fresher. ; 250 g ; sealed, 12 months ; none
Ethiopian filter beans ; Yirgacheffe, washed: jasmine, lemon, black tea. ; 250 g ; best within 8 weeks ; none
Colombian filter beans ; Huila: red apple, caramel, round as a marble. ; 250 g ; best within 8 weeks ; none
Decaf beans ; Freed with spring water and nothing else. ; 250 g ; best within 8 weeks ; none
Ground moka coffee ; Ground for the octagonal pot. ; 250 g ; 18 months ; none
English breakfast tea ; Assam and Kenya; takes milk like a wall takes ivy. ; 50 bags ; 24 months ; none
Earl Grey ; Keemun with oil of Calabrian bergamot. ; 100 g loose ; 24 months ; none
Darjeeling first flush ; Picked in March: muscatel, spring, pale gold. ; 100 g loose ; 18 months ; none
Sencha ; Steamed, grassy, sweet if you let the water cool. ; 100 g loose ; 12 months ; none
Matcha ceremonial ; Stone-milled from shade-grown leaf in Uji. ; 30 g ; chilled, 6 months ; none
Peppermint leaves ; Whole leaf, cut in July, nothing added. ; 60 g loose ; 24 months ; none
Dark chocolate 70 % ; Madagascan beans: red fruit and a clean snap. ; 80 g ; 18 months ; may contain milk
Dark chocolate 85 % ; For grown-up evenings: smoke, prune, hardly sweet. ; 80 g ; 18 months ; may contain milk
Milk chocolate sea salt ; Forty-two per cent cocoa, flakes of Cornish salt. ; 80 g ; 12 months ; milk
Gianduja squares ; Piedmont hazelnut and chocolate, each in its gold paper. ; 200 g ; 12 months ; nuts, milk
Chocolate truffles box ; Twelve: dark, milk, white and one with Chianti. ; 150 g ; cool, 8 weeks ; milk, may contain nuts
Cantuccini ; Twice baked, a quarter almonds, made for dipping. ; 250 g ; 9 months ; wheat, egg, nuts
Amaretti ; Crackled outside, soft within, bitter almond throughout. ; 200 g ; 6 months ; egg, nuts
Butter shortbread ; A third butter. We counted. ; 200 g ; 9 months ; wheat, milk
Stroopwafels ; Rest one on a hot cup for a minute. ; 8 pieces, 250 g ; 6 months ; wheat, milk, egg
Panettone ; Thirty-six hours of rising, candied orange, no hurry. ; 750 g ; 3 months ; wheat, milk, egg
Lebkuchen tin ; Nuremberg spice in a tin you will keep buttons in. ; 400 g ; 4 months ; nuts, egg
Oat crackers for cheese ; Toasty, plain, modest: they let the cheese talk. ; 150 g ; 9 months ; oats, wheat
Acacia honey ; Clear, runny and pale; the one that never sets. ; 250 g ; 24 months ; none
Heather honey ; Thick as jelly, dark, a little smoky. ; 250 g ; 24 months ; none
Lavender honey ; From the plateau of Valensole, the week it turns blue. ; 250 g ; 24 months ; none
Apricot jam ; Sixty-five per cent fruit, soft set. ; 340 g ; 18 months, opened 4 weeks ; none
Strawberry jam ; Small, whole Herefordshire berries. ; 340 g ; 18 months, opened 4 weeks ; none
Seville marmalade ; Thick-cut, bitter, awake. ; 340 g ; 24 months, opened 6 weeks ; none
Fig chutney ; For blue cheese and cold ham. ; 280 g ; 18 months, opened 6 weeks ; mustard
Quince paste ; Membrillo, sliced, with Manchego: a sentence with a full stop. ; 300 g ; 12 months ; none
Hazelnut spread ; Forty-five per cent Piedmont hazelnut, no palm oil. ; 250 g ; 9 months ; nuts, milk
Capers in salt ; From Pantelleria. Rinse, then use twice as many as you thought. ; 140 g ; 24 months ; none
Anchovies of Cantabria ; Filleted by hand, twelve months in salt. ; 80 g ; chilled, 12 months ; fish
Sardines in olive oil ; Portuguese, plump, better after a year in the cupboard. ; 120 g ; 4 years ; fish
Tuna fillets ; Pole and line, in olive oil. ; 200 g ; 4 years ; fish
Sourdough loaf ; Baked each morning from a starter older than our shop. ; 800 g ; 4 days ; wheat
Focaccia with rosemary ; Dimpled, oiled, salted. ; 450 g ; 2 days ; wheat
Rye bread ; Dense, dark, sliced thin with butter. ; 500 g ; 10 days ; rye, wheat
Grissini ; Hand-stretched, uneven, hard to stop. ; 150 g ; 6 months ; wheat
Flour type 00 ; Milled fine for pasta and pizza. ; 1 kg ; 12 months ; wheat
Semolina ; Twice-milled durum for bread and gnocchi alla romana. ; 1 kg ; 12 months ; wheat
Vanilla pods ; Two plump Bourbon pods in a tube. ; 2 pods ; 24 months ; none
Saffron threads ; From La Mancha, picked before sunrise. ; 1 g ; 36 months ; none
Smoked paprika ; Dried over oak in La Vera. ; 75 g ; 24 months ; none
Tellicherry pepper ; Large, late-picked berries from Kerala. ; 60 g ; 36 months ; none
Garam masala ; Eleven spices, roasted and ground on Thursdays. ; 60 g ; 12 months ; none
Dried porcini ; Extra grade, from beech woods, worth their soaking water. ; 50 g ; 18 months ; none
Tuscan supper hamper ; Chianti, pappardelle, wild boar ragù, pecorino and cantuccini: dinner for four in a basket that stays. ; 6 things ; see each ; wheat, egg, milk, nuts, sulphites
Italian wine and cheese hamper ; Two reds, four cheeses, fig chutney and crackers. ; 8 things ; chilled, 3 weeks ; milk, wheat, sulphites
French picnic hamper ; Crémant, saucisson, Comté, mustard, a cloth for the grass. ; 6 things ; chilled, 3 weeks ; milk, mustard, sulphites
Coffee lover's box ; Three coffees and a tin of moka, with a cup. ; 5 things ; best within 8 weeks ; none
Tea lover's box ; Breakfast, Earl Grey and peppermint in their tins, with a tea bowl. ; 4 things ; 18 months ; none
Chocolate lover's box ; Three bars, gianduja and truffles. ; 5 things ; cool, 8 weeks ; milk, nuts
Christmas hamper ; Panettone, Stilton, port-dark Ribera, chutney, truffles, crackers with and without bang. ; 9 things ; chilled, 3 weeks ; wheat, milk, egg, nuts, sulphites
Olive oil trio ; Three harvests side by side: early, ripe, and one from a single grove. ; 3 × 250 ml ; dark, 18 months ; none
"""
