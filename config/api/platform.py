"""What a client asks first."""

from typing import Final

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.case import CamelSerializer
from config.api.openapi import operation
from config.api.views import Endpoint

# The version of the API whose clients this one serves, not that of the product.
MAJOR: Final = 2
MINOR: Final = 49


class VersionSerializer(CamelSerializer):
    major = serializers.IntegerField()
    minor = serializers.IntegerField()
    version_string = serializers.CharField()


class Version(Endpoint):
    @operation("The version of this API", answers=VersionSerializer)
    def get(self, request: Request) -> Response:
        return Response({"major": MAJOR, "minor": MINOR, "versionString": f"{MAJOR}.{MINOR}.0"})
