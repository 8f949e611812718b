"""The same four operations as in the whole example, where bookings do not know who takes the money."""

from __future__ import annotations

import logging
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inbox.receiving import Message, receive
from two_services.bookings_service.models import DEPOSIT_PERCENT, LONGEST_STAY, NIGHTLY_RATES, Booking
from two_services.bookings_service.payments import PaymentsUnavailable, find_payment

logger = logging.getLogger(__name__)


class BookingSerializer(serializers.ModelSerializer):
    room = serializers.ChoiceField(sorted(NIGHTLY_RATES))

    class Meta:
        model = Booking
        fields = ["id", "room", "starts_on", "ends_on", "name", "email", "deposit", "currency", "status"]
        read_only_fields = ["deposit", "currency", "status"]
        # The address of a booking is shown to whoever pays for it.
        extra_kwargs = {"name": {"write_only": True}, "email": {"write_only": True}}

    def validate(self, attrs: dict) -> dict:
        nights = (attrs["ends_on"] - attrs["starts_on"]).days
        if not 1 <= nights <= LONGEST_STAY:
            raise serializers.ValidationError(
                {"ends_on": f"Choose a day after your arrival, and at most {LONGEST_STAY} nights."}
            )
        return {**attrs, "deposit": NIGHTLY_RATES[attrs["room"]] * nights * DEPOSIT_PERCENT // 100}


class PaymentSerializer(serializers.Serializer):
    payment = serializers.UUIDField()
    token = serializers.CharField(max_length=200)


class NotPaid(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "not_paid"
    default_detail = "The deposit is not paid yet."


class NobodyKnows(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "payments_unavailable"
    default_detail = "Whether the deposit is paid cannot be said at the moment. Ask again."


class BookingsView(APIView):
    def post(self, request: Request) -> Response:
        asked = BookingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(BookingSerializer(asked.save()).data, status.HTTP_201_CREATED)


class BookingView(APIView):
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(BookingSerializer(get_object_or_404(Booking, pk=pk)).data)


class ConfirmPaymentView(APIView):
    """For a payer who is faster than the webhook. Nothing that is sent here counts: the payments service is asked."""

    def post(self, request: Request, pk: UUID) -> Response:
        booking = get_object_or_404(Booking, pk=pk)
        asked = PaymentSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            payment = find_payment(asked.validated_data["payment"], asked.validated_data["token"])
        except PaymentsUnavailable as error:
            raise NobodyKnows from error
        if payment is None or not booking.owes(payment):
            raise NotPaid
        booking.confirm()
        return Response(BookingSerializer(booking).data)


@csrf_exempt
@require_POST
def receive_payment(request: HttpRequest) -> JsonResponse:
    """Take what the payments service tells us, signed."""
    return receive(request, confirm)


def confirm(message: Message) -> None:
    payment = message.data.get("payment", {})
    if message.type != "payment.succeeded" or payment.get("payable_type") != "booking":
        return
    booking = Booking.objects.filter(pk=payment["payable_id"]).first()
    if booking is None or not booking.owes(payment):
        logger.error("Payment %s is for no booking of ours.", payment["id"])
        return
    booking.confirm()
