from django.urls import URLPattern, URLResolver

app_name = "vectordb"

urlpatterns: list[URLPattern | URLResolver] = []
