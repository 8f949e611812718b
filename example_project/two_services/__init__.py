"""
The same business as two services, each with a database of its own: bookings here, payments there.

The bookings service imports nothing of payments. It hears of them by signed webhooks, and if a payer is faster, by
asking. The payments service knows of a booking what the bookings service tells it.
"""
