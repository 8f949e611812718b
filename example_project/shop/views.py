"""The shop and an order."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.generic import DetailView, FormView

from shop.forms import BasketForm
from shop.models import Order


class Shop(FormView):
    """Everything there is, with a number for each."""

    form_class = BasketForm
    template_name = "shop/shop.html"

    def form_valid(self, form: BasketForm) -> HttpResponse:
        user = self.request.user
        order = Order.objects.place(form.quantities, owner=user if user.is_authenticated else None)
        return redirect(order)


class OrderDetail(DetailView):
    """An order, its lines and its state; also where the payer lands."""

    def get_queryset(self) -> QuerySet[Order]:
        mine = Q(owner=None)
        if self.request.user.is_authenticated:
            mine |= Q(owner=self.request.user)
        return Order.objects.filter(mine).prefetch_related("lines")
