"""What can be paid for, and what the registry refuses."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured, ObjectDoesNotExist
from django.db import models
from django.test.utils import isolate_apps
from django.utils.translation import gettext_lazy

from django_generic_payments.exceptions import ConfigurationError, MoneyError, PayableError, UnknownPayable
from django_generic_payments.money import Money
from django_generic_payments.payables import (
    LineItem,
    Payable,
    PayableType,
    get_payable_type,
    line_items_of,
    payable,
    price_of,
    register,
    registered_types,
)
from django_generic_payments.services import payment_required, start_checkout
from django_generic_payments.testing import override_payments
from tests.shop.models import Basket, Booking, LateBooking, Order, SuiteBooking

pytestmark = pytest.mark.core


class Ticket:
    """A payable that is no model."""

    def __init__(self, pk="T1", **fields):
        self.pk = pk
        self.amount = fields.get("amount", Money(10_00, "gbp"))

    def get_payment_amount(self):
        return self.amount

    def get_payment_description(self):
        return "A ticket"

    def can_be_paid_by(self, request):
        return True


class Methods:
    """The three methods, for models that are made inside of tests."""

    def get_payment_amount(self):
        return Money(1, "gbp")

    def get_payment_description(self):
        return "Something"

    def can_be_paid_by(self, request):
        return True


def no_tickets(payable_id):
    return None


# Registering.


def test_whatever_has_the_three_methods_is_a_payable():
    assert isinstance(Ticket(), Payable)
    assert isinstance(Booking(), Payable)
    assert not isinstance(object(), Payable)


def test_the_shop_is_registered_under_its_names():
    assert {name: each.cls for name, each in registered_types().items()}.items() >= {
        ("booking", Booking),
        ("shop.order", Order),
        ("basket", Basket),
    }


def test_what_registered_types_returns_is_a_copy(registry):
    registered_types().clear()

    assert get_payable_type("booking").cls is Booking


@pytest.mark.parametrize("decorate", [payable, payable(), payable(None)])
@isolate_apps("tests.shop")
def test_a_model_without_a_name_is_called_by_its_label(registry, decorate):
    class Ride(Methods, models.Model):
        class Meta:
            app_label = "shop"

    decorated = decorate(Ride)

    assert decorated is Ride
    assert get_payable_type(Ride) == PayableType("shop.ride", Ride)


@isolate_apps("tests.shop")
def test_a_model_with_a_name_is_called_by_it(registry):
    @payable("a-ride_2.0")
    class Ride(Methods, models.Model):
        class Meta:
            app_label = "shop"

    assert get_payable_type("a-ride_2.0").cls is Ride


@pytest.mark.parametrize(
    "name",
    ["Booking", "9lives", "with space", "with:colon", "with|bar", "with/slash", "ä", "x" * 101, "-x", "x\n"],
)
def test_a_malformed_name_is_refused(registry, name):
    with pytest.raises(ConfigurationError, match="Use up to 100 lower-case letters, digits"):
        register(Ticket, name, resolver=no_tickets)

    assert name not in registry


def test_a_name_of_a_hundred_characters_is_kept(registry):
    assert register(Ticket, "x" * 100, resolver=no_tickets).name == "x" * 100


def test_a_name_that_is_taken_is_refused_with_the_one_who_has_it(registry):
    with pytest.raises(
        ConfigurationError, match=r"shop\.models\.Booking is already registered .* another name"
    ):
        register(Ticket, "booking", resolver=no_tickets)

    assert get_payable_type("booking").cls is Booking


def test_a_class_that_is_registered_again_is_no_conflict(registry):
    register(Booking, "booking")

    assert get_payable_type(Booking).name == "booking"


@isolate_apps("tests.shop")
def test_one_class_under_two_names_is_refused(registry):
    with pytest.raises(ConfigurationError, match="already registered as 'booking'"):
        register(Booking, "reservation")


def test_a_rule_that_is_a_coroutine_is_refused(registry):
    class Trusting(Ticket):
        async def can_be_paid_by(self, request):
            return False

    with pytest.raises(ConfigurationError, match="can_be_paid_by must be a plain function"):
        register(Trusting, "trusting", resolver=Trusting)


def test_a_module_that_is_imported_again_replaces_its_class(registry):
    def define():
        class Ride(Methods, models.Model):
            class Meta:
                app_label = "shop"

        return Ride

    first = define()
    register(first, "ride")
    del first._meta.apps.all_models["shop"]["ride"]
    second = define()
    register(second, "ride")

    assert get_payable_type("ride").cls is second


@pytest.mark.parametrize("missing", ["get_payment_amount", "get_payment_description", "can_be_paid_by"])
def test_a_missing_method_is_named(registry, missing):
    methods = {
        name: value for name, value in vars(Ticket).items() if not name.startswith("__") and name != missing
    }
    incomplete = type("Incomplete", (), methods)

    with pytest.raises(ConfigurationError, match=f"Incomplete cannot be paid for without {missing}. Define"):
        register(incomplete, "incomplete", resolver=no_tickets)


def test_an_attribute_in_place_of_a_method_is_refused(registry):
    class Wrong(Ticket):
        can_be_paid_by = True

    with pytest.raises(ConfigurationError, match="without can_be_paid_by"):
        register(Wrong, "wrong", resolver=no_tickets)


def test_what_is_no_model_needs_a_resolver(registry):
    with pytest.raises(ConfigurationError, match=r"register\(Ticket, 'name', resolver=load_by_id\)"):
        register(Ticket, "ticket")


@isolate_apps("tests.shop")
def test_an_abstract_model_is_refused(registry):
    class Thing(Methods, models.Model):
        class Meta:
            app_label = "shop"
            abstract = True

    with pytest.raises(ConfigurationError, match="Register the models that inherit from it"):
        register(Thing, "thing")


@isolate_apps("tests.shop")
def test_a_composite_key_needs_a_resolver(registry):
    class Seat(Methods, models.Model):
        pk = models.CompositePrimaryKey("row", "number")
        row = models.CharField(max_length=2)
        number = models.IntegerField()

        class Meta:
            app_label = "shop"

    with pytest.raises(ConfigurationError, match=r"resolver=load_by_id.*, or give it a key of one column"):
        register(Seat, "seat")

    assert register(Seat, "seat", resolver=no_tickets).cls is Seat


@pytest.mark.parametrize(
    "purposes", ["deposit", (), None, ("a:b",), ("x" * 51,), (1,), ("with space",), ("a|b",), {"": "default"}]
)
def test_malformed_purposes_are_refused(registry, purposes):
    class Wrong(Ticket):
        payment_purposes = purposes

    with pytest.raises(ConfigurationError, match=r"Wrong\.payment_purposes must be a tuple of names"):
        register(Wrong, "wrong", resolver=no_tickets)


def test_configuration_errors_are_those_of_django():
    assert issubclass(ConfigurationError, ImproperlyConfigured)


# Finding the type.


@pytest.mark.parametrize(
    "of", ["booking", Booking, LateBooking, SuiteBooking, Booking(), LateBooking(), SuiteBooking()]
)
def test_proxies_and_children_count_as_the_registered_model(of):
    assert get_payable_type(of).cls is Booking


@isolate_apps("tests.shop")
def test_the_nearest_registered_class_wins(registry):
    class Suite(Booking):
        class Meta:
            app_label = "shop"
            proxy = True

    register(Suite, "suite")

    assert get_payable_type(Suite).name == "suite"
    assert get_payable_type(Booking).name == "booking"


def test_an_unknown_name_is_refused_with_those_that_exist():
    with pytest.raises(UnknownPayable, match=r"No payable is registered as 'bookings'.*basket, booking"):
        get_payable_type("bookings")


def test_an_unknown_class_is_refused_with_the_remedy():
    with pytest.raises(UnknownPayable, match=r"Decorate it with @payable, or call register\(Ticket\)"):
        get_payable_type(Ticket())


def test_nothing_at_all_is_registered(registry):
    registry.clear()

    with pytest.raises(UnknownPayable, match="Registered: none"):
        get_payable_type("booking")


def test_an_unknown_payable_is_a_payable_error_and_a_lookup_error():
    assert issubclass(UnknownPayable, (PayableError, LookupError))


# Identifying and loading.


def test_an_unsaved_object_is_refused():
    with pytest.raises(PayableError, match=r"has no primary key yet\. Save it"):
        get_payable_type(Booking).identify(Booking())


def test_an_unsaved_object_with_a_chosen_key_is_refused_too():
    with pytest.raises(PayableError, match="Save it before it is paid for"):
        get_payable_type(Order).identify(Order(id=uuid.uuid4()))


def test_an_object_without_a_key_is_refused(registry):
    register(Ticket, "ticket", resolver=no_tickets)

    with pytest.raises(PayableError, match="Ticket has no primary key yet"):
        get_payable_type(Ticket).identify(Ticket(pk=None))


def test_a_key_that_does_not_fit_is_refused(registry):
    register(Ticket, "ticket", resolver=no_tickets)

    assert get_payable_type(Ticket).identify(Ticket(pk="x" * 128)) == "x" * 128
    with pytest.raises(PayableError, match="longer than 128 characters"):
        get_payable_type(Ticket).identify(Ticket(pk="x" * 129))


@pytest.mark.django_db
def test_one_object_has_one_id_however_its_key_was_written():
    by_type = get_payable_type(Booking)
    Booking.objects.create(pk="007")
    key = uuid.uuid4()
    order = Order.objects.create(pk=str(key).upper())

    assert by_type.identify(by_type.load("007")) == "7"
    assert by_type.identify(by_type.load("7")) == "7"
    assert get_payable_type(Order).identify(order) == str(key)


@pytest.mark.django_db
def test_an_object_that_was_just_made_has_the_id_it_is_loaded_by():
    made = Booking.objects.create(pk="007")

    assert get_payable_type(Booking).identify(made) == "7"


@pytest.mark.django_db
def test_proxies_and_children_are_loaded_as_what_is_registered():
    by_type = get_payable_type(SuiteBooking)
    suite = SuiteBooking.objects.create()

    loaded = by_type.load(by_type.identify(suite))

    assert type(loaded) is Booking
    assert loaded.pk == suite.pk


@pytest.mark.django_db
@pytest.mark.parametrize(
    "payable_id",
    [
        "",
        "abc",
        "1.5",
        "None",
        "1e3",
        "9" * 30,
        "9" * 5000,
        "-1",
        " ",
        "1\x00",
        "../1",
        "0x10",
        "１２x",
        "true",
    ],
)
def test_an_id_that_is_not_of_the_type_finds_nothing(payable_id):
    Booking.objects.create(pk=1)
    Order.objects.create()

    assert get_payable_type(Booking).load(payable_id) is None
    assert get_payable_type(Order).load(payable_id) is None


@pytest.mark.parametrize("error", [ObjectDoesNotExist, KeyError, IndexError])
def test_a_resolver_may_raise_when_there_is_nothing(registry, error):
    def find(payable_id):
        raise error(payable_id)

    assert register(Ticket, "ticket", resolver=find).load("T1") is None


def test_an_id_with_a_nul_is_asked_of_nobody(registry):
    asked = []
    kind = register(Ticket, "ticket", resolver=asked.append)

    assert kind.load("T\x001") is None
    assert asked == []


def test_a_resolver_gets_the_id_as_text(registry):
    tickets = {"T1": Ticket()}
    by_type = register(Ticket, "ticket", resolver=tickets.get)

    assert by_type.load("T1") is tickets["T1"]
    assert by_type.load("T2") is None


def test_an_error_in_a_resolver_is_not_hidden(registry):
    def find(payable_id):
        raise RuntimeError("the catalogue is down")

    with pytest.raises(RuntimeError, match="the catalogue is down"):
        register(Ticket, "ticket", resolver=find).load("T1")


# Purposes.


def test_the_only_purpose_is_the_default_one():
    assert get_payable_type(Booking).purposes() == ("",)
    assert get_payable_type(Booking).check_purpose("") == ""


def test_another_purpose_is_refused_with_the_remedy():
    with pytest.raises(PayableError, match=r"only for \(''.*Add it to Booking\.payment_purposes"):
        get_payable_type(Booking).check_purpose("deposit")


@pytest.mark.django_db
def test_a_purpose_reaches_every_method_of_the_payable():
    order = Order.objects.create()

    assert price_of(order, "shipping", None, "") == Money(5_00, "eur")
    assert price_of(order, "", None, "") == Money(30_00, "eur")
    assert line_items_of(order, "shipping", Money(5_00, "eur"))[0].name.startswith("shipping of order")


@pytest.mark.django_db
@pytest.mark.parametrize("ask", [payment_required, start_checkout])
def test_services_refuse_a_purpose_that_does_not_exist(ask):
    with pytest.raises(PayableError, match="Add it to"):
        ask(Booking.objects.create(), purpose="deposit")


# Prices.


@pytest.mark.parametrize(
    ("currency", "default", "expected"),
    [
        (None, "", Money(30_00, "eur")),
        (None, "jpy", Money(5000, "jpy")),
        (None, "JPY", Money(5000, "jpy")),
        (None, "usd", Money(30_00, "eur")),
        ("jpy", "", Money(5000, "jpy")),
        ("JPY", "eur", Money(5000, "jpy")),
        ("eur", "jpy", Money(30_00, "eur")),
    ],
)
def test_the_currency_asked_for_wins_over_the_default_and_that_over_the_amount(currency, default, expected):
    assert price_of(Order(), "", currency, default) == expected


def test_the_default_currency_says_nothing_about_a_payable_of_one_price():
    assert price_of(Booking(), "", None, "jpy") == Money(12_50, "gbp")


def test_a_price_that_is_not_offered_is_refused_with_those_that_are():
    with pytest.raises(PayableError, match="no price in 'usd', only in eur, jpy"):
        price_of(Order(), "", "usd", "")


def test_a_payable_of_one_price_has_no_other():
    assert price_of(Booking(), "", "GBP", "") == Money(12_50, "gbp")
    with pytest.raises(PayableError, match=r"in 'gbp', not in 'usd'. Offer more with get_payment_prices\(\)"):
        price_of(Booking(), "", "usd", "")


@pytest.mark.django_db
def test_the_default_currency_of_the_settings_chooses_the_price(stripe):
    with override_payments(DEFAULT_CURRENCY="jpy"):
        assert start_checkout(Order.objects.create()).money == Money(5000, "jpy")


@pytest.mark.parametrize("amount", [12.5, 1250, "12.50", None, Decimal("12.50"), (1250, "gbp")])
def test_an_amount_that_is_no_money_is_refused(amount):
    with pytest.raises(PayableError, match=r"must be Money\(amount, currency\), not"):
        price_of(Ticket(amount=amount), "", None, "")


@pytest.mark.parametrize("prices", [[1250], ["gbp"], [None], (Money(1, "gbp"), 5)])
def test_prices_that_are_no_money_are_refused(prices):
    class Wrong(Ticket):
        def get_payment_prices(self):
            return prices

    with pytest.raises(PayableError, match=r"must be Money\(amount, currency\)"):
        price_of(Wrong(), "", "gbp", "")


@pytest.mark.parametrize("prices", [Money(1, "gbp"), 5])
def test_prices_that_are_no_list_are_refused(prices):
    class Wrong(Ticket):
        def get_payment_prices(self):
            return prices

    with pytest.raises(PayableError, match=r"get_payment_prices\(\) must return a list of Money"):
        price_of(Wrong(), "", "gbp", "")


def test_a_payable_that_offers_no_list_of_prices_has_its_amount():
    class Plain(Ticket):
        def get_payment_prices(self):
            return None

    assert price_of(Plain(), "", None, "eur") == Money(10_00, "gbp")


def test_an_amount_that_stripe_does_not_take_is_refused_where_it_is_made():
    with pytest.raises(MoneyError):
        price_of(Booking(deposit=-1), "", None, "")


# Lines.


def with_lines(*lines):
    class Lined(Ticket):
        def get_payment_line_items(self):
            return lines[0] if len(lines) == 1 and not isinstance(lines[0], LineItem) else list(lines)

    return Lined()


def test_without_lines_there_is_one_with_the_description():
    assert line_items_of(Ticket(), "", Money(10_00, "gbp")) == [LineItem("A ticket", Money(10_00, "gbp"))]


def test_lines_that_sum_to_the_amount_are_kept_in_order():
    lines = [LineItem("Seat", Money(4_00, "gbp"), 2), LineItem("Meal", Money(2_00, "gbp"))]

    assert line_items_of(with_lines(*lines), "", Money(10_00, "gbp")) == lines
    assert line_items_of(with_lines(iter(lines)), "", Money(10_00, "gbp")) == lines


@pytest.mark.parametrize("amount", [9_99, 10_01, 0])
def test_lines_that_do_not_sum_are_refused(amount):
    lines = with_lines(LineItem("Seat", Money(5_00, "gbp"), 2))

    with pytest.raises(PayableError, match=f"line items sum to 1000, the amount is {amount} gbp"):
        line_items_of(lines, "", Money(amount, "gbp"))


def test_no_lines_are_no_amount():
    with pytest.raises(PayableError, match="sum to 0"):
        line_items_of(with_lines([]), "", Money(1, "gbp"))


@pytest.mark.parametrize("quantity", [0, -1, 0.5, 1.0, "1", None, True])
def test_a_quantity_is_a_whole_number_of_one_or_more(quantity):
    line = LineItem("Seat", Money(10_00, "gbp"), quantity)

    with pytest.raises(PayableError, match="needs a whole quantity of at least 1"):
        line_items_of(with_lines(line), "", Money(10_00, "gbp"))


def test_a_line_in_another_currency_is_refused():
    line = LineItem("Seat", Money(10_00, "eur"))

    with pytest.raises(PayableError, match="needs the currency of the amount, 'gbp'"):
        line_items_of(with_lines(line), "", Money(10_00, "gbp"))


def test_a_line_whose_price_is_no_money_is_refused():
    with pytest.raises(PayableError, match=r"must be Money\(amount, currency\)"):
        line_items_of(with_lines(LineItem("Seat", 10_00)), "", Money(10_00, "gbp"))


@pytest.mark.parametrize("lines", [["Seat"], [("Seat", 10_00)], "Seat", 5, [None]])
def test_lines_of_another_type_are_refused(lines):
    with pytest.raises(PayableError, match=r"must return LineItem\(name, unit_amount, quantity\)"):
        line_items_of(with_lines(lines), "", Money(10_00, "gbp"))


# What else a payable says, asked when a checkout is started.


def described(registry, **methods):
    cls = type("Described", (Ticket,), methods)
    register(cls, "described", resolver=no_tickets)
    return cls()


@pytest.mark.django_db
@pytest.mark.parametrize("description", [None, 5, b"ticket", ["ticket"]])
def test_a_description_that_is_no_text_is_refused(registry, description):
    thing = described(registry, get_payment_description=lambda self: description)

    with pytest.raises(PayableError, match=r"get_payment_description\(\) must return a string"):
        start_checkout(thing)


@pytest.mark.django_db
def test_a_description_may_be_translated_late(registry, stripe):
    thing = described(registry, get_payment_description=lambda self: gettext_lazy("Ticket"))

    assert start_checkout(thing).description == "Ticket"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "contact", ["ann@example.com", ["ann@example.com"], {"e-mail": "ann@example.com"}, 5]
)
def test_a_contact_of_another_shape_is_refused(registry, contact):
    thing = described(registry, get_payment_customer=lambda self: contact)

    with pytest.raises(PayableError, match="returns a dict with email, name and phone") as refused:
        start_checkout(thing)

    assert "ann@example.com" not in str(refused.value)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "params",
    [
        {"line_items": []},
        {"discounts": [{"coupon": "all"}]},
        {"automatic_tax": {"enabled": True}},
        {"metadata": {}},
        {"client_reference_id": "x"},
        {"success_url": "https://evil.example"},
        {"mode": "setup"},
        {"customer": "cus_1"},
        {"payment_intent_data": {"metadata": {}}},
        {"payment_intent_data": {"transfer_data": {"destination": "acct_1"}}},
        {"payment_intent_data": {"capture_method": "manual"}},
        {"payment_method_options": {"card": {"capture_method": "manual"}}},
        {"after_expiration": {"recovery": {"enabled": True}}},
    ],
)
def test_parameters_that_change_what_is_charged_are_refused(registry, params):
    thing = described(registry, get_stripe_params=lambda self: params)

    with pytest.raises(PayableError, match=r"may not set .*: it would change what is charged"):
        start_checkout(thing)


@pytest.mark.django_db
def test_a_payable_that_is_no_model_is_paid_for_like_any_other(registry, stripe):
    ticket = Ticket()
    register(Ticket, "ticket", resolver={"T1": ticket}.get)

    session = start_checkout(ticket)
    stripe.pay(session)

    session.refresh_from_db()
    assert (session.payable_type, session.payable_id, session.status) == ("ticket", "T1", "succeeded")
