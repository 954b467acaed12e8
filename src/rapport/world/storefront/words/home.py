"""What is said of each thing for the home: name ; what it is like ; what it is made of ; size ; how it is cared for."""

from __future__ import annotations

__all__ = ["ROWS"]

ROWS = """
Waiter's corkscrew ; Double hinge, a worm coated so that it turns in without a squeak, a rosewood grip. The only one our sommeliers carry. ; steel, rosewood ; 12 cm ; wipe
Lever corkscrew ; Turn, press, done. For those who open more than one. ; zinc alloy, steel ; 16 cm ; wipe
Olive wood corkscrew ; No mechanism at all: a turned handle, a good worm, your arm. ; olive wood, steel ; 14 cm ; oil now and then
Red wine glasses, set of 4 ; A bowl wide enough to swirl, a rim you hardly feel. Blown in Colle di Val d'Elsa. ; lead-free crystal ; 62 cl, 23 cm ; dishwasher
White wine glasses, set of 4 ; The narrower sister, to keep the cold in. ; lead-free crystal ; 42 cl, 22 cm ; dishwasher
Champagne flutes, set of 4 ; Tall and slim with a laser point at the bottom, so that the bubbles have somewhere to start. ; lead-free crystal ; 22 cl, 24 cm ; dishwasher
Tumblers, set of 6 ; Heavy-bottomed and stackable. Water, Negroni, toothbrushes. ; pressed glass ; 30 cl, 9 cm ; dishwasher
Crystal decanter ; A wide base to let a young wine breathe, a lip that does not drip. ; lead-free crystal ; 1.5 l, 27 cm ; warm water, no soap
Wine cooler sleeve ; Lives in the freezer, cools a bottle in five minutes, folds flat. ; polyester, gel ; 22 cm ; wipe
Marble wine cooler ; Turned from one block of Estremoz marble. Cold enough without ice. ; marble ; 12 × 18 cm, 2.6 kg ; wipe dry
Vacuum wine stopper ; A pump and two stoppers. Yesterday's bottle, still itself. ; ABS, rubber ; 14 cm ; rinse
Bottle rack for 12 ; Oiled oak, no screws, three levels that stack further. ; oak ; 42 × 36 × 24 cm ; oil now and then
Cocktail shaker ; Three parts, a built-in strainer and a lid that comes off when cold. ; stainless steel ; 55 cl ; dishwasher
Cast iron casserole 24 cm ; From stove to oven to table, for the next forty years. Enamelled inside and out. ; enamelled cast iron ; 4.2 l, 5.1 kg ; by hand
Cast iron casserole 20 cm ; The smaller one: beans for four, a loaf of bread, a Tuesday curry. ; enamelled cast iron ; 2.6 l, 3.7 kg ; by hand
Carbon steel pan 28 cm ; Light as a pan should be and blacker every month. Season it once, then leave the soap away. ; carbon steel ; 28 cm, 1.9 kg ; hot water, oil
Non-stick pan 24 cm ; Ceramic coating without PFAS, for eggs and fish. ; aluminium, ceramic ; 24 cm ; by hand
Pasta pot with strainer ; The water stays, the pasta leaves. Glass lid, measuring marks. ; stainless steel ; 5 l, 22 cm ; dishwasher
Pasta machine ; Nine thicknesses and two cutters, clamped to the table as at nonna's. ; chromed steel ; 20 × 21 × 15 cm ; brush, never water
Moka pot for 3 ; The octagon everyone knows, for three small cups. ; aluminium ; 15 cl ; rinse, no soap
Moka pot for 6 ; For six small cups or two large mornings. ; aluminium ; 30 cl ; rinse, no soap
Burr coffee grinder ; Forty steps from Turkish to French press, and quiet enough for before seven. ; steel burrs, ABS ; 35 cm ; brush
Hand coffee grinder ; Two minutes of turning for a cup that smells of the roastery. ; steel, walnut ; 19 cm ; brush
Pour-over dripper ; A ribbed cone on a glass server. Slow on purpose. ; porcelain, glass ; 60 cl ; dishwasher
Cast iron teapot ; Hobnailed iron from Morioka with an enamelled inside and a fine strainer. ; enamelled cast iron ; 80 cl, 1.6 kg ; rinse, dry at once
Chef's knife 20 cm ; Thirty-three layers of steel, fifteen degrees a side. It does what you meant. ; VG-10 steel, walnut ; 20 cm blade ; by hand, whetstone
Paring knife ; For the apple in your hand. ; VG-10 steel, walnut ; 9 cm blade ; by hand
Parmesan grater ; Etched teeth: snow rather than sawdust. ; stainless steel, beech ; 34 cm ; rinse
Olive wood board ; Cut from one trunk; no two look alike. ; olive wood ; 38 × 22 cm ; oil now and then
Cheese knives, set of 3 ; One for hard, one for soft, one to serve. ; steel, olive wood ; 18 cm ; by hand
Salt and pepper mills ; A light one and a dark one, ceramic grinders in both. ; beech and walnut ; 19 cm ; wipe
Digital scale ; To the gram up to five kilos; switches units, remembers the bowl. ; steel, ABS ; 20 × 17 cm ; wipe
Linen apron ; Cross-back straps, one divided pocket, washed before you wash it. ; linen ; one size, 90 cm ; 60 °C
Stoneware dinner plates, set of 4 ; Thrown in Alcobaça, glazed in oat with an unglazed rim. Each a little different. ; stoneware ; 27 cm ; dishwasher, microwave
Stoneware side plates, set of 4 ; For bread, for cake, for everything small. In sea green. ; stoneware ; 21 cm ; dishwasher, microwave
Pasta bowls, set of 4 ; Wide and low, with a rim to rest a fork. ; stoneware ; 23 cm ; dishwasher, microwave
Serving platter ; A large oval for the fish, the roast or forty cherry tomatoes. ; stoneware ; 38 × 26 cm ; dishwasher
Espresso cups, set of 4 ; Thick walls keep it hot for as long as an espresso lasts. ; stoneware ; 8 cl ; dishwasher
Stoneware mug ; The one you fight over. ; stoneware ; 35 cl ; dishwasher, microwave
Tea bowl ; Dark clay under a running celadon glaze, thrown in Mashiko. ; stoneware ; 40 cl ; by hand
Cutlery set, 24 pieces ; Six of each, matt, with the weight in the handle. ; 18/10 stainless steel ; for 6 people ; dishwasher
Steak knives, set of 4 ; Smooth edges: they cut, they do not saw. ; steel, walnut ; 23 cm ; by hand
Linen tablecloth ; Stonewashed, mitred corners, better with wrinkles. ; linen, 200 g ; 150 × 250 cm ; 60 °C
Linen napkins, set of 4 ; Four colours that know each other. ; linen ; 45 × 45 cm ; 60 °C
Salad bowl with servers ; Turned acacia, deep enough to toss without losing a leaf. ; acacia ; 28 cm ; by hand, oil
Glass carafe ; For water, for house wine, for one tulip. ; borosilicate glass ; 1.2 l ; dishwasher
Oil and vinegar set ; Two blown bottles with corks and spouts that do not dribble. ; borosilicate glass, cork ; 25 cl each ; dishwasher without cork
Beeswax candles, pair ; Dipped by hand, smelling of honey before you light them. ; pure beeswax, cotton ; 24 cm, 9 hours ; trim the wick
Scented candle fig ; Green leaf, milk of fig, a warm wall. ; rapeseed wax, cotton wick ; 220 g, 45 hours ; trim the wick
Scented candle cedar ; Pencil shavings, smoke, a library with the window open. ; rapeseed wax, cotton wick ; 220 g, 45 hours ; trim the wick
Wool throw ; Heather check, fringed, woven where the sheep are. ; pure new wool ; 140 × 190 cm ; air, dry clean
Linen cushion ; Heavy linen in burnt orange, with a feather pad. ; linen, feather ; 45 × 45 cm ; 40 °C, cover only
Stoneware vase ; A narrow neck makes three stems look like thought. ; stoneware ; 22 cm ; rinse
Bath towel ; Long loops, 550 grams, hung by a loop that holds. ; organic cotton ; 70 × 140 cm ; 60 °C
Hand towel ; The small one of the same family, in oat. ; organic cotton ; 50 × 90 cm ; 60 °C
Linen duvet cover ; Stonewashed in the piece: cool in August, warm in January. ; linen, 170 g ; 200 × 200 cm ; 60 °C
Linen pillowcases, pair ; Envelope closing, no buttons in your ear. ; linen, 170 g ; 50 × 75 cm ; 60 °C
Olive oil soap ; Cooked for a day, dried for six weeks. No perfume, none needed. ; olive oil, soda, water ; 150 g ; keep dry
Hand wash bergamot ; Bergamot, rosemary and a pump you can refill. ; plant surfactants, essential oils ; 300 ml ; refillable
Market basket ; Palm leaf, woven in the Algarve, with leather handles. ; palm leaf, leather ; 42 × 30 cm ; brush
Picnic blanket ; Wool on top, waxed cotton below, leather strap around. ; wool, waxed cotton ; 150 × 180 cm ; brush, sponge
Terracotta herb pots, set of 3 ; Frost-proof clay from Impruneta. Basil not included, encouragement is. ; terracotta ; 14, 14 and 17 cm ; frost-proof
Secateurs ; A forged bypass blade, replaceable spring, a lock that stays locked. ; carbon steel, aluminium ; 21 cm ; oil the blade
Fairy lights ; Forty warm lights on a dark green wire, indoors or out. ; LED, mains adapter ; 6 m ; IP44
"""
