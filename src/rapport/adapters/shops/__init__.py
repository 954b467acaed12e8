"""Shop systems that send what happens in them: Shopify, WooCommerce, Medusa, Saleor. Their webhooks become facts."""
