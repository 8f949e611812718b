from __future__ import annotations

from django.urls import path

from shop import views

app_name = "shop"

urlpatterns = [
    path("", views.Shop.as_view(), name="shop"),
    path("orders/<uuid:pk>/", views.OrderDetail.as_view(), name="order"),
]
