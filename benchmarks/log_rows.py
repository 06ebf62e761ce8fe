"""Fills the database with logs as a team of some size leaves them in three months: a few prompts and
tools, several versions, people and programs, one failure in a hundred, payloads for all."""

from django.db import connection
from psycopg import ClientCursor

from accounts.models import Membership, Role, UseCase, User
from accounts.services import create_use_case
from blueprints.models import BlueprintVersion, File, FileKind, FileVersion
from blueprints.services import create_blueprint
from blueprints.settings import AnswerSettings
from tracing import summing

DAYS = 90
PROMPTS, TOOLS, VERSIONS, PEOPLE = 20, 5, 4, 25

_LOGS = """
INSERT INTO tracing_log (
    id, use_case_id, kind, face, status, log_status, error_message, user_id, blueprint_id,
    blueprint_version_id, file_id, file_version_id, model_name, source, end_user, environment,
    source_datapoint_id, batches, sample_index, is_payload_kept, created_at, started_at, ended_at,
    first_token_ms, latency_ms, input_tokens, output_tokens, tokens_estimated, input_cost,
    output_cost, cost, finish_reason, thumbs_up, thumbs_down, judgment_count)
SELECT
    lpad(to_hex(extract(epoch FROM at)::bigint), 8, '0') || lpad(to_hex(%(offset)s + n), 16, '0'),
    %(use_case)s,
    CASE WHEN is_tool THEN 'tool' ELSE 'answer' END,
    CASE WHEN is_tool THEN 'prompts' ELSE (ARRAY['chat', 'prompts', 'completions', 'pages'])
        [1 + least(3, floor(-ln(a + 1e-9))::int)] END,
    CASE WHEN is_bad THEN 'ERROR' ELSE 'COMPLETED' END, 'complete',
    CASE WHEN is_bad THEN 'The server of the LLM did not answer in time.' ELSE '' END,
    (%(users)s::text[])[1 + floor(b * b * %(people)s)::int],
    CASE WHEN is_tool THEN NULL ELSE (%(blueprints)s::text[])[1 + p] END,
    CASE WHEN is_tool THEN NULL ELSE (%(versions)s::text[])[1 + p * %(per)s + v] END,
    CASE WHEN is_tool THEN (%(files)s::text[])[1 + t] END,
    CASE WHEN is_tool THEN (%(file_versions)s::text[])[1 + t] END,
    CASE WHEN is_tool THEN '' ELSE (ARRAY['gpt-4o-mini', 'gpt-4o', 'llama3.1'])[1 + p %% 3] END,
    CASE WHEN c < 0.5 THEN '' WHEN c < 0.98 THEN 'website' ELSE 'nightly' END,
    CASE WHEN c < 0.6 THEN 'customer-' || floor(d * 5000)::int ELSE '' END,
    CASE WHEN c < 0.7 THEN 'production' WHEN c < 0.75 THEN 'staging' ELSE '' END,
    '', '[]', 0, true, at, at, at + latency * interval '1 millisecond',
    latency / 4, latency, 200 + floor(d * 3000)::int, 20 + floor(a * 400)::int, false,
    d * 0.002, a * 0.001, d * 0.002 + a * 0.001, 'stop', 0, 0, 0
FROM (
    SELECT n, a, b, c, d, is_tool, c > 0.99 AS is_bad, 120 * exp(3 * a * b + d) AS latency,
        floor(power(b, 3) * %(prompts)s)::int AS p, floor(d * %(tools)s)::int AS t,
        least(%(per)s - 1, floor((1 - age) * %(per)s)::int) AS v,
        now() - age * interval '%(days)s days' AS at
    FROM (
        SELECT n, random() AS a, random() AS b, random() AS c, random() AS d,
            random() < 0.15 AS is_tool, 1 - (n + random()) / (%(count)s + 1) AS age
        FROM generate_series(1, %(count)s) AS n
    ) AS chance
) AS log
"""
_PAYLOADS = """
INSERT INTO tracing_logpayload (log_id, inputs, output, messages, text, output_message)
SELECT id,
    jsonb_build_object('order', h %% 100000, 'language', (ARRAY['en', 'de', 'fr'])[1 + h %% 3]),
    '{}',
    jsonb_build_array(
        jsonb_build_object('role', 'system', 'content', repeat('Answer from the handbook only. ', 8)),
        jsonb_build_object('role', 'user', 'content', 'What about the ' || thing || ' of order '
            || h %% 100000 || '? ' || repeat(place || ' is where it was bought. ', 4))),
    repeat('The ' || thing || ' may be returned within thirty days at ' || place || '. ', 6)
        || CASE WHEN h %% 250000 = 7 THEN 'A zeppelin was seen.' ELSE '' END,
    NULL
FROM (
    SELECT id, h, (ARRAY['lamp', 'chair', 'kettle', 'tent', 'bicycle', 'piano', 'stove', 'clock'])
            [1 + h %% 8] AS thing,
        (ARRAY['Oslo', 'Bergen', 'Lima', 'Quito', 'Turin', 'Genoa', 'Leeds'])[1 + h %% 7] AS place
    FROM (SELECT id, abs(hashtext(id)) AS h FROM tracing_log WHERE use_case_id = %(use_case)s) AS one
) AS log
"""
_RATINGS = """
INSERT INTO tracing_log (
    id, use_case_id, kind, face, status, log_status, error_message, parent_id, root_id, judged_id,
    judgment, file_id, file_version_id, model_name, source, end_user, environment,
    source_datapoint_id, batches, sample_index, is_payload_kept, created_at, started_at,
    tokens_estimated, finish_reason, thumbs_up, thumbs_down, judgment_count)
SELECT substr(id, 1, 8) || 'f' || substr(id, 10), use_case_id, 'evaluator', 'prompts', 'COMPLETED',
    'complete', '', id, id, id, CASE WHEN abs(hashtext(id)) %% 4 = 0 THEN '"bad"' ELSE '"good"' END
    ::jsonb, %(rating)s, %(rating_version)s, '', '', '', '', '', '[]', 0, true,
    created_at, started_at, false, '', 0, 0, 0
FROM tracing_log WHERE use_case_id = %(use_case)s AND abs(hashtext(id || 'rated')) %% 50 = 0
"""


def fill(count: int, use_case: UseCase | None = None, offset: int = 0) -> UseCase:
    """`count` logs in one use case, of which each fiftieth is rated."""
    owner, *_ = users = _people()
    use_case = use_case or create_use_case(user=owner, name="Handbook")
    for user in users[1:]:
        Membership.objects.get_or_create(use_case=use_case, user=user, role=Role.EDITOR)
    names = {"use_case": use_case.pk, **_files(use_case, owner)}
    names |= {"count": count, "offset": offset, "days": DAYS, "people": PEOPLE, "per": VERSIONS}
    names |= {"prompts": PROMPTS, "tools": TOOLS, "users": [user.pk for user in users]}
    with connection.cursor() as cursor:
        for statement in (_LOGS, _PAYLOADS, _RATINGS):
            _run(statement, names)
        # As the worker does within a minute, and the server by itself.
        summing.sum_up()
        for table in ("log", "logpayload", "logsum", "stalehour"):
            cursor.execute(f"VACUUM ANALYZE tracing_{table}")
    return use_case


def _run(statement: str, names: dict[str, object]) -> None:
    # The statements name values more often than the server would guess the types of.
    with ClientCursor(connection.connection) as cursor:
        cursor.execute(statement, names)


def _people() -> list[User]:
    emails = [f"person-{number}@example.com" for number in range(PEOPLE)]
    return [User.objects.get_or_create(email=email)[0] for email in emails]


def _files(use_case: UseCase, user: User) -> dict[str, object]:
    versions: list[str] = []
    blueprints: list[str] = []
    for number in range(PROMPTS):
        blueprint = create_blueprint(
            user=user,
            use_case=use_case,
            name=f"Prompt {number}",
            path=f"desk/prompt-{number}",
            settings=AnswerSettings(),
        )
        current = blueprint.current
        blueprints.append(blueprint.pk)
        versions.append(current.pk)
        for later in range(1, VERSIONS):
            current = BlueprintVersion.objects.create(
                blueprint=blueprint, number=later + 1, content_hash=f"{later}", created_by=user
            )
            versions.append(current.pk)
    tools = [file_of(use_case, user, FileKind.TOOL, f"tools/tool-{n}") for n in range(TOOLS)]
    rating = file_of(use_case, user, FileKind.EVALUATOR, "rating")
    return {
        "blueprints": blueprints,
        "versions": versions,
        "files": [tool.file_id for tool in tools],
        "file_versions": [tool.pk for tool in tools],
        "rating": rating.file_id,
        "rating_version": rating.pk,
    }


def file_of(use_case: UseCase, user: User, kind: FileKind, path: str) -> FileVersion:
    file = File.objects.create(use_case=use_case, kind=kind, path=path, created_by=user)
    return FileVersion.objects.create(
        file=file, number=1, content_hash=path, content={}, created_by=user
    )
