"""The endpoint layer: declared, validated JSON routes over Starlette, and the OpenAPI page made from them."""

from console.http.api_call import ApiCall, PhoneLink
from console.http.api_error import ApiError, Message
from console.http.endpoints import Endpoint, Endpoints

__all__ = ["ApiCall", "ApiError", "Endpoint", "Endpoints", "Message", "PhoneLink"]
