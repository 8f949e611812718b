"""How many of each product."""

from __future__ import annotations

from typing import Any

from django import forms

from shop.models import Product

MOST = 12


class BasketForm(forms.Form):
    """One number for each product of the shop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.products = {product.slug: product for product in Product.objects.all()}
        for product in self.products.values():
            self.fields[product.slug] = forms.IntegerField(
                label=f"How many of: {product}", min_value=0, max_value=MOST, initial=0, required=False
            )

    def rows(self) -> list[tuple[Product, forms.BoundField]]:
        """Return each product with its field."""
        return [(product, self[slug]) for slug, product in self.products.items()]

    def clean(self) -> dict[str, Any]:
        """Refuse an empty basket."""
        cleaned = super().clean()
        if not self.errors and not self.quantities:
            raise forms.ValidationError("Choose at least one thing.")
        return cleaned

    @property
    def quantities(self) -> dict[Product, int]:
        """What was chosen, and how many of it."""
        return {self.products[slug]: number for slug, number in self.cleaned_data.items() if number}
