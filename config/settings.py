"""Every setting, read once and typed."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.data_folder import data_folder
from config.environment import env_bool, env_int, env_list, env_str, secret_key
from config.postgres import embedded_url

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env_bool("GROUNDWORK_DEBUG")

# The folder of all state: the embedded database, uploads, the generated secret. `make run DATA=` sets it.
DATA_DIR = data_folder(os.environ)

SECRET_KEY = secret_key(DATA_DIR / "secret_key", is_debug=DEBUG)

HTTPS = env_bool("GROUNDWORK_HTTPS")
ALLOWED_HOSTS = env_list("GROUNDWORK_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env_list("GROUNDWORK_TRUSTED_ORIGINS", [])
PORT = env_int("GROUNDWORK_PORT", 8000)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "procrastinate.contrib.django",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "accounts",
    "vectordb",
    "blueprints",
    "tracing",
    "playground",
    "evaluation",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.SecurityHeadersMiddleware",
    "config.middleware.CompressionMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.pages.PagesMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False
CSRF_FAILURE_VIEW = "config.pages.csrf_failure"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": [
                "django.templatetags.static",
                "django.contrib.humanize.templatetags.humanize",
                "config.formats",
            ],
            "libraries": {},
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
        },
    }
]

DATABASE_URL = env_str("DATABASE_URL") or embedded_url(DATA_DIR / "postgres")


def _database(url: str) -> dict[str, object]:
    """Django's settings for a `postgresql://` URL; a socket folder may stand in `?host=`."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL must start with postgresql://")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "groundwork",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **options,
            # Planning took longer than running what a question needs of the database.
            "server_side_binding": True,
            "prepare_threshold": 3,
            # Bounded, so that web and worker together stay well below the embedded server's 100.
            "pool": {"min_size": 1, "max_size": env_int("GROUNDWORK_POOL_SIZE", 16), "timeout": 10},
        },
    }


DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "playground:home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_NAME = "groundwork_session"
CSRF_COOKIE_NAME = "groundwork_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
# Probes come by plain HTTP from inside.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Names carry a hash of the content, so browsers may keep files for ever.
    "staticfiles": {"BACKEND": "config.stylesheets.BundlingStorage"},
}
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = DATA_DIR / "media"
FILE_UPLOAD_TEMP_DIR = None
FILE_UPLOAD_PERMISSIONS = 0o600

# 500,000 characters of prompt and as many of system prompt, each escaped as two \uXXXX, are 12 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 1_000
# Lists in a query string repeat their name; that they are too long is for the API to say.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["config.api.wire.FastJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.api.wire.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.api.wire.AlwaysJSON",
    "DEFAULT_AUTHENTICATION_CLASSES": ["config.api.auth.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Groundwork",
    "DESCRIPTION": "Documents in, cited answers out: the GenAI API.",
    "VERSION": "2.49.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v2(/genai)?",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.api.openapi.complete",
    ],
    "ENUM_NAME_OVERRIDES": {
        "BuildStatusEnum": ["NEW", "RUNNING", "COMPLETED", "ERROR"],
        "AggregationTypeEnum": "evaluation.models.AggregationType",
        "PipelineStageEnum": "playground.metric_serializers.STAGES",
        "PromptStatusEnum": "config.api.fields.PROMPT_STATUSES",
    },
}

LOG_LEVEL = env_str("GROUNDWORK_LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    # /readyz says by itself what is wrong, to whoever asks every second.
    "filters": {
        "not_503": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", 0) != 503,
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # One line a job, at hundreds of jobs a second, is a cost and no help.
        "procrastinate": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        # Missing pages are the visitor's affair.
        "django.request": {"level": "ERROR", "filters": ["not_503"]},
    },
}

# Where the first LLM comes from; more are added in the pages.
OPENAI_API_KEY = env_str("OPENAI_API_KEY")
OPENAI_BASE_URL = env_str("OPENAI_BASE_URL", "https://api.openai.com/v1")
# Local servers that are looked for at start (kind, base URL); an empty value looks for none.
LOCAL_LLM_SERVERS = env_list(
    "GROUNDWORK_LOCAL_LLM_SERVERS",
    [
        "ollama=http://127.0.0.1:11434/v1",
        "lm-studio=http://127.0.0.1:1234/v1",
        "vllm=http://127.0.0.1:8000/v1",
    ],
)
# Hosts on private addresses that staff may name as LLM endpoints, besides this machine itself.
LLM_CONNECT_SECONDS = 5.0
LLM_FIRST_TOKEN_SECONDS = float(env_int("GROUNDWORK_LLM_FIRST_TOKEN_SECONDS", 60))
LLM_BETWEEN_TOKENS_SECONDS = float(env_int("GROUNDWORK_LLM_BETWEEN_TOKENS_SECONDS", 30))
LLM_TOTAL_SECONDS = float(env_int("GROUNDWORK_LLM_TOTAL_SECONDS", 600))

# Uploads: one file, and what one ZIP may unpack to.
MAX_FILE_BYTES = env_int("GROUNDWORK_MAX_FILE_BYTES", 200 * 1024 * 1024)
# One request; the pages send file by file.
MAX_UPLOAD_BYTES = 5 * MAX_FILE_BYTES
MAX_ARCHIVE_MEMBERS = 1_000
MAX_ARCHIVE_BYTES = 500 * 1024 * 1024
MAX_ARCHIVE_RATIO = 200
PARSER_MEMORY_BYTES = env_int("GROUNDWORK_PARSER_MEMORY_BYTES", 2 * 1024**3)
PARSER_SECONDS = env_int("GROUNDWORK_PARSER_SECONDS", 600)
# As tesseract has them: `deu+eng`. What is empty is found out by the parser.
OCR_LANGUAGES = env_str("GROUNDWORK_OCR_LANGUAGES")
# Files fetched from an address: how long one may take, and hosts that may be on private networks.
FETCH_SECONDS = env_int("GROUNDWORK_FETCH_SECONDS", 300)
FETCH_ALLOWED_HOSTS = env_list("GROUNDWORK_FETCH_ALLOWED_HOSTS", [])

DEFAULT_EMBEDDING_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
# A cross encoder that orders what was found anew: a folder, or a name whose files are on this disk
# already. The web process only looks whether there is one.
RERANKER = env_str("GROUNDWORK_RERANKER")
# Whether this process loads models itself. Web processes do not: they ask the workers, which listen
# for that on a port of this address (for web processes elsewhere: the worker's own in your network).
LOADS_MODELS = env_bool("GROUNDWORK_LOADS_MODELS", True)
WORKER_HOST = env_str("GROUNDWORK_WORKER_HOST", "127.0.0.1")
# Folders of further sentence-transformers models; none elsewhere is loaded, but the hub's cache is.
EMBEDDING_MODELS_DIR = Path(
    env_str("GROUNDWORK_EMBEDDING_MODELS") or DATA_DIR / "models"
).absolute()
# One call of an embedding server, and how long an ingestion puts up with its failures.
EMBEDDING_SECONDS = float(env_int("GROUNDWORK_EMBEDDING_SECONDS", 60))
EMBEDDING_PATIENCE_SECONDS = float(env_int("GROUNDWORK_EMBEDDING_PATIENCE_SECONDS", 180))
# Partitions with more chunks than this get an index; smaller ones are scanned exactly, which takes a
# millisecond for every 1,000 chunks. The index of 10,000 is built in two seconds and searched in 2 ms.
EXACT_SCAN_LIMIT = env_int("GROUNDWORK_EXACT_SCAN_LIMIT", 5_000)
# How long the database may work on one search before it is cancelled.
SEARCH_SECONDS = float(env_int("GROUNDWORK_SEARCH_SECONDS", 30))

# Answers that one worker works on at the same time; they mostly wait for LLMs.
CHAT_CONCURRENCY = env_int("GROUNDWORK_CHAT_CONCURRENCY", 200)
INGEST_CONCURRENCY = env_int("GROUNDWORK_INGEST_CONCURRENCY", 1)
# Questions of one evaluation that wait for their answers at the same time.
EVALUATION_CONCURRENCY = env_int("GROUNDWORK_EVALUATION_CONCURRENCY", 8)
# The queues that every worker serves, and how many jobs of each at the same time.
QUEUES = {"chat": CHAT_CONCURRENCY, "ingest": INGEST_CONCURRENCY, "evaluate": 8, "support": 1}
WORKER_HEARTBEAT_SECONDS = 2.0
WORKER_STALLED_SECONDS = 10.0
# Whether a first start brings the sample; benchmarks and tests go without.
LOAD_SAMPLE = env_bool("GROUNDWORK_SAMPLE", True)
