"""Exports shaped like those of shop systems: small, made for the tests, with what real ones have."""

from __future__ import annotations

__all__ = [
    "AMAZON_ALL",
    "AMAZON_BUYERS",
    "MAGENTO_CUSTOMERS",
    "MAGENTO_ORDERS",
    "SHOPIFY_CUSTOMERS",
    "SHOPIFY_ORDERS",
    "WOO_CUSTOMERS",
    "WOO_ORDERS",
]

# A partial refund, a note of several lines, a voided order of nobody in the store, a cancelled and refunded guest.
SHOPIFY_ORDERS = """\
Name,Email,Financial Status,Paid at,Fulfillment Status,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,\
Discount Code,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Name,\
Billing City,Billing Zip,Billing Country,Billing Phone,Notes,Cancelled at,Refunded Amount,Vendor,Id,Tags,Source
#1001,ada@example.com,partially_refunded,2026-03-01 10:20:00 -0500,fulfilled,yes,USD,47.00,6.00,3.00,56.00,FALL5,5.00,\
2026-03-01 10:15:00 -0500,2,Fern print,16.00,FERN-1,Ada Berg,Boston,'02110,US,'+16175550123,"Leave it
at the door, please",,5.60,Prints & Co,5001,"vip, gift",web
#1001,ada@example.com,,,,,,,,,,,,2026-03-01 10:15:00 -0500,1,Canvas tote,20.00,TOTE-1,,,,,,,,,Bags & Co,,,
#1002,,voided,,unfulfilled,no,USD,25.00,0.00,0.00,25.00,,0.00,2026-03-02 08:00:00 -0500,1,Mug,25.00,,,,,,,,,0.00,Mugs,\
5002,,pos
#1003,bo@example.com,refunded,2026-03-03 08:00:00 -0500,unfulfilled,no,EUR,10.00,0.00,0.00,10.00,,0.00,\
2026-03-03 08:00:00 -0500,1,Mug,10.00,MUG-2,Bo,Ulm,,DE,0170 1234567,,2026-03-04 08:00:00 -0500,10.00,Mugs,5003,,web
"""

SHOPIFY_CUSTOMERS = """\
Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Address1,\
Default Address City,Default Address Province Code,Default Address Country Code,Default Address Zip,\
Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tax Exempt,Tags
'7210448301122,Ada,Berg,ada@example.com,yes,,1 Elm St,Boston,MA,US,'02110,,'+16175550123,no,47.00,1,"Likes
ferns",no,"vip, gift"
'7210448301123,Jan,'t Hooft,jan@example.nl,no,,,Utrecht,,NL,'1234AB,06 12345678,,no,0.00,0,,no,
"""

# Order columns stand in the first row of an order only; a guest, a cancelled and a failed order; a coupon's row.
WOO_ORDERS = """\
Order Number,Order Status,Order Date,Customer Note,First Name (Billing),Last Name (Billing),Address 1&2 (Billing),\
City (Billing),Postcode (Billing),Country Code (Billing),Email (Billing),Phone (Billing),Payment Method Title,\
Cart Discount Amount,Order Subtotal Amount,Order Shipping Amount,Order Refund Amount,Order Total Amount,\
Order Total Tax Amount,SKU,Item #,Item Name,Quantity (- Refund),Item Cost,Coupon Code,Customer User Id,Currency
501,Completed,2026-01-15 23:30,,Ada,Berg,Weg 1,Berlin,10115,DE,ada@example.com,030 1234567,PayPal,10,1250.00,4.95,\
0.00,1481.55,236.60,TEA,1,Green tea,100,12.50,TEN,12,EUR
,,,,,,,,,,,,,,,,,,,CUP,2,Cup,1,0.00,,,
502,Refunded,2026-01-16 09:00,,Bo,Ek,,Ulm,89073,DE,bo@example.com,,Card,0,10.00,0,11.90,11.90,1.90,CUP,1,\
Cup,1,10.00,,0,EUR
503,Cancelled,2026-01-17 09:00,,Bo,Ek,,Ulm,89073,DE,bo@example.com,,Card,0,20.00,0,0,23.80,3.80,CUP,1,\
Cup,2,10.00,,0,EUR
504,Failed,2026-01-18 09:00,,Cy,Li,,Ulm,89073,DE,cy@example.com,,Card,0,20.00,0,0,23.80,3.80,CUP,1,\
Cup,2,10.00,,0,EUR
505,In Prüfung,2026-01-19 09:00,,Cy,Li,,Ulm,89073,DE,cy@example.com,,Card,0,20.00,0,0,23.80,3.80,CUP,1,\
Cup,2,10.00,,0,EUR
"""

WOO_CUSTOMERS = """\
Name,Username,Last Active,Sign Up,Email,Orders,Total Spend,AOV,Country / Region,City,Region,Postal Code
Ada Berg,ada,2026-02-01 10:00:00,2025-01-05 09:30:00,ada@example.com,3,120.00,40.00,DE,Berlin,DE-BE,10115
Guest Ek,,2026-02-02 10:00:00,,bo@example.com,1,11.90,11.90,DE,Ulm,,89073
"""

MAGENTO_ORDERS = """\
ID,"Purchase Point","Purchase Date","Bill-to Name","Ship-to Name","Grand Total (Base)",\
"Grand Total (Purchased)",Status,"Billing Address",\
"Shipping Address","Shipping Information","Customer Email","Customer Group",Subtotal,\
"Shipping and Handling","Customer Name","Payment Method","Total Refunded","Allocated sources"
000000299,"Main Website","Apr 19, 2026 10:12:13 PM","Ada Berg","Ada Berg",219.4000,219.4000,Complete,\
"1 Elm St,Boston",,"Flat Rate",ada@example.com,General,209.4000,10.0000,"Ada Berg",checkmo,0.0000,
000000300,"Main Website","Apr 20, 2026 15:12:13 PM","Bo Ek","Bo Ek","$1,110.00","$1,110.00",Closed,,,"Flat Rate",\
bo@example.com,"NOT LOGGED IN","$1,100.00",$10.00,"Bo Ek",checkmo,"$1,110.00",
000000301,"Main Website","Apr 21, 2026 09:00:00 AM","Bo Ek","Bo Ek",30.0000,30.0000,Canceled,,,"Flat Rate",\
bo@example.com,"NOT LOGGED IN",20.0000,10.0000,"Bo Ek",checkmo,,
000000302,"Main Website","Apr 21, 2026 09:00:00 AM","Cy Li","Cy Li",30.0000,30.0000,"Pending Payment",,,"Flat Rate",\
cy@example.com,"NOT LOGGED IN",20.0000,10.0000,"Cy Li",checkmo,,
"""

MAGENTO_CUSTOMERS = """\
"ID","Name","Email","Group","Phone","ZIP","Country","State/Province","Customer Since","Web Site","Gender"
"1","Ada Berg","ada@example.com","General","(617) 555-0123","02110","United States","Massachusetts",\
"Jan 5, 2025 09:30:00 AM","Main Website","Not Specified"
"""

# Two lines of one order, one with a promotion; a cancelled, a pending and an order that Amazon only ships.
AMAZON_ALL = """\
amazon-order-id\tmerchant-order-id\tpurchase-date\tlast-updated-date\torder-status\tfulfillment-channel\tsales-channel\t\
product-name\tsku\tasin\titem-status\tquantity\tcurrency\titem-price\titem-tax\tshipping-price\tshipping-tax\t\
item-promotion-discount\tship-promotion-discount\tship-city\tship-country
112-1\t\t2026-04-10T09:15:00+00:00\t2026-04-12T09:15:00+00:00\tShipped\tAmazon\tAmazon.com\tA 5" ruler\tRULE\tB01\
\tShipped\t3\tUSD\t30.00\t2.40\t0.00\t0.00\t5.00\t0.00\tAustin\tUS
112-1\t\t2026-04-10T09:15:00+00:00\t2026-04-12T09:15:00+00:00\tShipped\tAmazon\tAmazon.com\tMug\tMUG\tB02\tShipped\
\t1\tUSD\t12.50\t1.00\t4.99\t0.00\t\t0.00\tAustin\tUS
112-2\t\t2026-04-11T09:15:00+00:00\t2026-04-13T09:15:00+00:00\tCancelled\tMerchant\tAmazon.com\tMug\tMUG\tB02\tCancelled\
\t0\t\t\t\t\t\t\t\tAustin\tUS
112-3\t\t2026-04-12T09:15:00+00:00\t2026-04-12T09:15:00+00:00\tPending\tAmazon\tAmazon.com\tMug\tMUG\tB02\tUnshipped\
\t1\t\t\t\t\t\t\t\t\t
S01-4\t\t2026-04-12T09:15:00+00:00\t2026-04-12T09:15:00+00:00\tShipped\tAmazon\tNon-Amazon\tMug\tMUG\tB02\tShipped\
\t1\t\t\t\t\t\t\t\tAustin\tUS
"""

# The last row of the first order goes on with it: a second promotion.
AMAZON_BUYERS = """\
order-id\torder-item-id\tpurchase-date\tpayments-date\tbuyer-email\tbuyer-name\tbuyer-phone-number\tsku\tproduct-name\t\
quantity-purchased\tcurrency\titem-price\titem-tax\tshipping-price\tshipping-tax\titem-promotion-discount\t\
ship-city\tship-country
114-1\t596\t2026-04-10T14:18:23-07:00\t2026-04-10T14:18:23-07:00\tzjz1q1@marketplace.amazon.com\
\tRo Will\t270-929-3817\tHAT\
\tBucket hat\t2\tUSD\t20.00\t0.00\t3.00\t0.00\t1.00\tOwensboro\tUS
\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t0.50\t\t
114-2\t597\t2026-05-10T14:18:23-07:00\t2026-05-10T14:18:23-07:00\tzjz1q1@marketplace.amazon.com\
\tRo Will\t270-929-3817\tMUG\
\tMug\t1\tUSD\t8.00\t0.00\t0.00\t0.00\t\tOwensboro\tUS
"""

# As a German account writes it, and one day without anything.
GOOGLE_COSTS = """\
Campaign,Day,Currency code,Cost,Clicks,Impr.
spring,2026-04-10,EUR,"1.234,50",1.120,"44.321"
spring,2026-04-11,EUR,0,0,--
Total: Account,,EUR,"1.234,50",1.120,"44.321"
"""

META_COSTS = """\
"Campaign name","Day","Delivery","Amount spent (GBP)","Link clicks","Impressions","Reporting starts","Reporting ends"
"summer","2026-04-10","active","12.34","5","900","2026-04-10","2026-04-10"
"summer","2026-04-11","inactive","","","","2026-04-11","2026-04-11"
"""

CONSENTS = """\
E-mail,Purpose,Answer,Given at,Source,Wording,Language
ada@example.com,email_marketing,yes,2024-05-01T10:00:00Z,newsletter form,v3,en
bo@example.com,email_marketing,yes,,newsletter form,v3,en
cy@example.com,email_marketing,yes,2024-05-01T10:00:00Z,,v3,en
di@example.com,email_marketing,yes,2024-05-01T10:00:00Z,newsletter form,,en
eve@example.com,sms_marketing,no,,,,
fay@example.com,email_marketing,perhaps,2024-05-01T10:00:00Z,form,v3,en
"""
