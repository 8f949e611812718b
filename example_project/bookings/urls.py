from __future__ import annotations

from bookings import views
from django.urls import path

app_name = "bookings"

urlpatterns = [
    path("", views.BookingList.as_view(), name="list"),
    path("<int:pk>/", views.BookingDetail.as_view(), name="detail"),
]
