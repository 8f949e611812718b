"""Bookings for programs. Whoever knows the id of a guest's booking may see it, as on the site."""

from __future__ import annotations

import logging
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from bookings.api.serializers import BookingRequestSerializer, BookingSerializer, RoomSerializer
from bookings.models import Booking, Room
from django_generic_payments.exceptions import GatewayError
from django_generic_payments.models import PaymentSession
from django_generic_payments.services import sync_session
from inbox.receiving import Message, receive

logger = logging.getLogger(__name__)


class NotPaid(APIException):
    """The deposit has not arrived."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "not_paid"
    default_detail = "The deposit is not paid yet."


class Cancelled(APIException):
    """Nothing will confirm the booking any more."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "cancelled"


class RoomsView(APIView):
    """Look at the rooms."""

    @extend_schema(operation_id="rooms_list", tags=["bookings"], responses=RoomSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the rooms, the dearest first."""
        rooms = RoomSerializer(Room.objects.all(), many=True, context={"request": request})
        return Response(rooms.data)


class BookingsView(APIView):
    """Book a room."""

    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "bookings"

    @extend_schema(
        operation_id="bookings_create",
        tags=["bookings"],
        request=BookingRequestSerializer,
        responses={201: BookingSerializer},
    )
    def post(self, request: Request) -> Response:
        """Book a room. It is confirmed once its deposit is paid, or at once if it needs none."""
        asked = BookingRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        owner = request.user if request.user.is_authenticated else None
        booking = Booking.objects.place(owner=owner, **asked.validated_data)
        return Response(BookingSerializer(booking).data, status.HTTP_201_CREATED)


class BookingView(APIView):
    """Look at a booking."""

    @extend_schema(operation_id="bookings_read", tags=["bookings"], responses=BookingSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """Tell how a booking stands."""
        return Response(BookingSerializer(_booking(request, pk)).data)


class ConfirmPaymentView(APIView):
    """Ask whether the deposit is there."""

    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "bookings"

    @extend_schema(
        operation_id="bookings_confirm_payment", tags=["bookings"], request=None, responses=BookingSerializer
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """
        Ask whether the deposit is there, for a payer who is faster than the webhook.

        Nothing that is sent here counts: Stripe is asked. 409 `not_paid` if there is nothing yet, and `cancelled` with
        the reason if the booking is.
        """
        booking = _booking(request, pk)
        session = PaymentSession.objects.for_payable(booking).order_by("-created").first()
        if booking.requires_payment() and session is not None:
            try:
                sync_session(session, patient=False)
            except GatewayError as error:
                logger.warning("Stripe could not be asked for %s: %s.", session.pk, type(error).__name__)
            booking.refresh_from_db()
        if booking.status == Booking.Status.CANCELLED:
            raise Cancelled(f"The booking is cancelled: {booking.get_ending_display()}.")
        if booking.status != Booking.Status.CONFIRMED:
            raise NotPaid
        return Response(BookingSerializer(booking).data)


class CsrfView(APIView):
    """Give a page of another origin what it cannot read from our cookie."""

    @extend_schema(
        operation_id="csrf_token",
        tags=["bookings"],
        responses={200: {"type": "object", "properties": {"token": {"type": "string"}}}},
    )
    def get(self, request: Request) -> Response:
        """Return the token to send as X-CSRFToken. Only the origins in FRONTEND_ORIGINS can read it."""
        return Response({"token": get_token(request)}, headers={"Cache-Control": "no-store"})


@csrf_exempt
@require_POST
def receive_payment(request: HttpRequest) -> JsonResponse:
    """Take a callback of the payments service: the way bookings hear of it when they live somewhere else."""
    return receive(request, confirm)


def confirm(message: Message) -> None:
    """
    Confirm what a callback says is paid. Harmless where a receiver of the signal was faster.

    It says what was so when it was written, and may come days later: a booking that was called off meanwhile, and whose
    deposit went back, stays cancelled.
    """
    payment = message.data.get("payment", {})
    if message.type != "payment.succeeded" or payment.get("payable_type") != "booking":
        return
    booking = Booking.objects.filter(pk=payment["payable_id"]).first()
    if booking is None:
        logger.error("Payment %s is for a booking that is gone.", payment["id"])
        return
    if booking.is_pending or booking.ending == Booking.Ending.UNPAID:
        booking.confirm()


def _booking(request: Request, pk: UUID) -> Booking:
    return get_object_or_404(Booking.objects.visible_to(request), pk=pk)
