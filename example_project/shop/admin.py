from __future__ import annotations

from django.contrib import admin

from shop.models import Order, OrderLine, Product


class OrderLineInline(admin.TabularInline):
    model = OrderLine
    extra = 0


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["name", "price"]


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["__str__", "status", "owner", "created_at"]
    list_filter = ["status"]
    list_select_related = ["owner"]
    inlines = [OrderLineInline]
