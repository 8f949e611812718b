from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from accounts.views import SignUp

app_name = "accounts"

urlpatterns = [
    path("log-in/", LoginView.as_view(template_name="accounts/log_in.html"), name="log-in"),
    path("log-out/", LogoutView.as_view(), name="log-out"),
    path("sign-up/", SignUp.as_view(), name="sign-up"),
]
