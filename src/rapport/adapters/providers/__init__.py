"""What providers of mail, SMS and WhatsApp say of messages, by signed webhooks: arrived, back, opened, answered."""
