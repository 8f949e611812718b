"""One builder per object of the API: every field that Stripe sends, in its shape at `API_VERSION`.

https://docs.stripe.com/api
"""
