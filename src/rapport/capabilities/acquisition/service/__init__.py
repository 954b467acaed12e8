"""What acquisition answers, with what insights know of orders and customers."""
