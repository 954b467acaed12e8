"""What is said of each wine: name ; what it is like ; grapes ; alcohol in per cent ; served at ; goes with."""

from __future__ import annotations

__all__ = ["ROWS"]

ROWS = """
Chianti Classico ; Sour cherry, dried thyme and a little leather, from vineyards at 400 metres between Radda and Gaiole. Firm enough for the roast, fresh enough for a second glass. ; Sangiovese with 10 % Canaiolo ; 13.5 ; 16–18 °C ; braised beef, ragù, mature pecorino
Chianti Colli Senesi ; The everyday Chianti of the house: red plum, violets and a dry, clean finish. Made without oak, so the fruit speaks. ; Sangiovese ; 13 ; 15–17 °C ; pizza, tomato sauces, salami
Chianti Rufina ; From the cool, high valley east of Florence. Leaner and longer than its cousins, with iron, rose hip and fine tannin. ; Sangiovese ; 13 ; 16–18 °C ; lamb chops, mushrooms
Chianti Classico Riserva ; Two years in old oak have rounded the edges and kept the cherry. Decant it an hour ahead. ; Sangiovese ; 14 ; 18 °C ; steak, game, hard cheese
Montepulciano d'Abruzzo ; Dark, soft and generous: blackberry, a touch of cocoa, no sharp corners. The bottle to open on a Tuesday. ; Montepulciano ; 13 ; 16 °C ; lasagne, sausages, burgers
Barbera d'Asti ; All juice and brightness. Low tannin and high acidity make it the friendliest wine on the Piedmont table. ; Barbera ; 14 ; 15–16 °C ; tagliatelle, pork, antipasti
Valpolicella Ripasso ; Refermented on the skins of Amarone: dried cherry, cinnamon and a velvet middle. ; Corvina, Rondinella, Molinara ; 14 ; 17 °C ; stew, risotto with radicchio
Nero d'Avola ; Sicilian sun with a sea breeze: ripe plum, liquorice, wild herbs. ; Nero d'Avola ; 13.5 ; 16 °C ; aubergine, caponata, grilled tuna
Primitivo di Manduria ; Big, warm and unashamed. Blackberry jam and sweet spice from old bush vines in red earth. ; Primitivo ; 14.5 ; 17 °C ; barbecue, spiced lamb, blue cheese
Barolo ; Tar, roses and time. Three years in large casks and at its best from now to 2035. Open it in the morning. ; Nebbiolo ; 14.5 ; 18 °C ; truffle, braised beef, Castelmagno
Brunello di Montalcino ; From a single south-facing slope: black cherry, tobacco and tannins that will outlive the decade. ; Sangiovese grosso ; 14.5 ; 18 °C ; wild boar, bistecca, aged pecorino
Etna Rosso ; Grown on lava at 700 metres. Pale in the glass and anything but pale on the tongue: smoke, raspberry, blood orange. ; Nerello Mascalese ; 13.5 ; 15 °C ; tuna, duck, grilled vegetables
Côtes du Rhône ; Raspberry, black pepper and garrigue. Honest southern red that never overstays. ; Grenache, Syrah ; 14 ; 16 °C ; ratatouille, merguez, roast chicken
Saint-Émilion Grand Cru ; Merlot in its good coat: plum, cedar and graphite over a long, even finish. ; Merlot, Cabernet Franc ; 14 ; 17–18 °C ; roast lamb, duck breast
Bordeaux Supérieur ; A proper claret for the week: blackcurrant, a pencil shaving, a dry end. ; Merlot, Cabernet Sauvignon ; 13.5 ; 17 °C ; Sunday roast, Comté
Bourgogne Pinot Noir ; Red fruit on tiptoe. Wild strawberry, forest floor, silk. ; Pinot Noir ; 12.5 ; 14–15 °C ; roast chicken, salmon, Brie
Beaujolais-Villages ; Serve it cool and in good company: crunchy red berries, hardly any tannin. ; Gamay ; 12.5 ; 13–14 °C ; charcuterie, terrine, picnic
Châteauneuf-du-Pape ; Thirteen grapes may go in; four did. Kirsch, lavender and warm stone. ; Grenache, Mourvèdre, Syrah, Cinsault ; 15 ; 17 °C ; daube, game, hard cheese
Rioja Crianza ; A year in American oak leaves vanilla and dill over bright red fruit. ; Tempranillo ; 13.5 ; 16 °C ; tapas, lamb, chorizo
Rioja Gran Reserva ; Five patient years in the cellar. Dried fig, leather, orange peel; ready the evening you buy it. ; Tempranillo, Graciano ; 14 ; 18 °C ; roast suckling pig, mushrooms
Ribera del Duero ; High plateau, hot days, cold nights: dense black fruit held upright by acidity. ; Tinto Fino ; 14.5 ; 17 °C ; steak, manchego
Garnacha Viñas Viejas ; Vines planted before your grandparents met. Strawberry, white pepper, real depth for the money. ; Garnacha ; 14 ; 15–16 °C ; paella, grilled pork
Douro Tinto ; Port grapes made dry: black plum, schist, violets. ; Touriga Nacional, Touriga Franca ; 13.5 ; 16 °C ; stews, salt cod, hard cheese
Malbec Reserva ; From 1,100 metres under the Andes. Violet, blueberry and a cool, dark finish. ; Malbec ; 14 ; 16–17 °C ; steak, empanadas
Carménère ; Smoked paprika and cassis; soft, savoury, a little wild. ; Carménère ; 13.5 ; 16 °C ; chilli, roast peppers
Barossa Shiraz ; Full and fearless, with blackberry, mocha and eucalyptus. ; Shiraz ; 14.5 ; 17 °C ; barbecue, aged Cheddar
Soave Classico ; Almond blossom, pear and the chalk of the old hills. Much more than an aperitif. ; Garganega ; 12.5 ; 10 °C ; risotto, white fish
Gavi di Gavi ; Lime, white peach and a salty snap. Dry as a good joke. ; Cortese ; 12.5 ; 8–10 °C ; oysters, pesto
Vermentino di Sardegna ; Rosemary, lemon pith and a breath of the sea. ; Vermentino ; 13 ; 9–10 °C ; clams, bottarga, fried courgettes
Pinot Grigio delle Venezie ; Clean, light and better than its reputation: apple, a little almond. ; Pinot Grigio ; 12 ; 8 °C ; salads, prosciutto
Verdicchio Castelli di Jesi ; Green almond and fennel, with a bitter little wink at the end. ; Verdicchio ; 13 ; 10 °C ; grilled fish, artichokes
Chablis ; Oyster shell, green apple and no oak at all. ; Chardonnay ; 12.5 ; 10 °C ; shellfish, goat's cheese
Sancerre ; Gooseberry and flint from steep Loire slopes. ; Sauvignon Blanc ; 13 ; 9–10 °C ; goat's cheese, asparagus
Picpoul de Pinet ; Grown within sight of the oyster beds, and made for them. ; Picpoul ; 12.5 ; 8 °C ; oysters, mussels
Muscadet sur Lie ; Kept on its yeast until bottling: brisk, saline, faintly creamy. ; Melon de Bourgogne ; 12 ; 8–9 °C ; mussels, sardines
Meursault ; Hazelnut, butter and lemon oil, with the acidity to carry all of it. ; Chardonnay ; 13.5 ; 12 °C ; lobster, roast chicken with cream
Albariño ; Peach and salt on an Atlantic wind. ; Albariño ; 13 ; 9 °C ; octopus, scallops
Verdejo ; Fennel, grapefruit, cut grass; the tapas bar's house white. ; Verdejo ; 12.5 ; 8 °C ; tapas, salads
Vinho Verde ; Hardly eleven per cent and a prickle on the tongue. Lunch in a bottle. ; Loureiro, Arinto ; 11 ; 7–8 °C ; prawns, garden lunches
Riesling Trocken ; Bone dry: lime, slate and white peach. ; Riesling ; 12 ; 9 °C ; trout, Thai food, schnitzel
Grauburgunder ; Ripe pear and a soft, nutty middle. ; Pinot Gris ; 13 ; 10 °C ; asparagus, veal
Grüner Veltliner ; White pepper, green apple, a lentil's earthiness. Austria's best friend at dinner. ; Grüner Veltliner ; 12.5 ; 9 °C ; schnitzel, sushi, asparagus
Marlborough Sauvignon Blanc ; Passion fruit, nettle and lime, turned up as the valley likes it. ; Sauvignon Blanc ; 13 ; 8 °C ; goat's cheese, ceviche
Chardonnay Reserve ; Yellow peach, toast and a clean lemon finish. ; Chardonnay ; 13.5 ; 11 °C ; roast chicken, buttered corn
Prosecco Superiore Brut ; From the steep hills of Valdobbiadene: white pear, acacia, fine bubbles. ; Glera ; 11.5 ; 6–8 °C ; aperitif, light starters
Franciacorta Brut ; Made as Champagne is, with thirty months on its yeast: brioche, lemon, almond. ; Chardonnay, Pinot Nero ; 12.5 ; 8 °C ; risotto, fried fish
Lambrusco Secco ; Dry, dark and frothing. Forget what you heard; bring salami. ; Lambrusco Grasparossa ; 11.5 ; 12 °C ; salami, lasagne, Parmigiano
Champagne Brut ; A grower's Champagne: Pinot Meunier for charm, Chardonnay for length, three years in the cellar. ; Pinot Meunier, Chardonnay, Pinot Noir ; 12 ; 8 °C ; celebrations, fish and chips
Champagne Rosé ; Wild strawberry, toast and a very fine bead, coloured by a little still Pinot Noir. ; Pinot Noir, Chardonnay ; 12 ; 8–9 °C ; salmon, berries
Crémant de Loire ; Champagne's method at half the fuss: quince, honey, chalk. ; Chenin Blanc, Chardonnay ; 12 ; 8 °C ; aperitif, tarte Tatin
Cava Brut Nature ; No sugar added: lemon, bread crust and a dry, dry end. ; Xarel·lo, Macabeo, Parellada ; 11.5 ; 7 °C ; tapas, almonds, jamón
Sussex Sparkling ; From the same chalk as Champagne, on our side of the water. Apple, hedgerow, fine mousse. ; Chardonnay, Pinot Noir ; 12 ; 8 °C ; smoked salmon, oysters
Provence Rosé ; Pale as a shell: peach skin, redcurrant, salt. ; Grenache, Cinsault ; 12.5 ; 8–10 °C ; niçoise, grilled fish
Bardolino Chiaretto ; The pink of Lake Garda: strawberry, orange zest, light on its feet. ; Corvina, Rondinella ; 12 ; 9 °C ; antipasti, pizza
Navarra Rosado ; A rosé with colour and appetite: cherry and a firm, dry finish. ; Garnacha ; 13 ; 9 °C ; paella, barbecue
Alcohol-free Sparkling ; English apple and elderflower, fermented and then gently freed of its alcohol. ; Bacchus ; 0 ; 6 °C ; toasts, afternoon tea
Six Italian reds ; One bottle each of Chianti, Barbera, Nero d'Avola, Montepulciano, Ripasso and Primitivo, in a pine case with tasting notes. ; six grapes ; 13–14.5 ; 16–18 °C ; six suppers
Six French whites ; Sancerre, Chablis, Picpoul, Muscadet and two we change with the season, in a pine case with tasting notes. ; five grapes ; 12–13 ; 8–10 °C ; six lunches
"""
