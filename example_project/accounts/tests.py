"""Accounts."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.test import TestCase


class SignUpTests(TestCase):
    def test_who_signs_up_is_logged_in_and_sees_their_bookings(self):
        password = "a long walk by the sea"
        form = {"username": "ann", "password1": password, "password2": password}

        page = self.client.post("/accounts/sign-up/", form, follow=True)

        self.assertContains(page, "My bookings")
        self.assertEqual(page.context["user"], get_user_model().objects.get(username="ann"))

    def test_who_logs_out_is_a_guest_again(self):
        self.client.force_login(get_user_model().objects.create_user("ann"))

        page = self.client.post("/accounts/log-out/", follow=True)

        self.assertContains(page, "Log in")
