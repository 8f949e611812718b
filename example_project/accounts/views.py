"""Signing up; logging in and out are Django's own views."""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.views.generic import CreateView


class SignUp(CreateView):
    """Make an account, and be logged in at once."""

    form_class = UserCreationForm
    template_name = "accounts/sign_up.html"
    success_url = reverse_lazy("bookings:list")

    def form_valid(self, form: UserCreationForm) -> HttpResponse:
        response = super().form_valid(form)
        login(self.request, self.object, backend="django.contrib.auth.backends.ModelBackend")
        return response
