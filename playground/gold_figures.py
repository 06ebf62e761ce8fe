"""How well passages were found, by the judgement of people. All of it is computed in SQL.

A gold passage counts as found at the first of the passages, in the order in which an LLM is given
them, that overlaps with it by half of the shorter one: so versions that cut their documents
differently are measured alike. With R gold passages to a question, of which those found stand at
the places p:

- hit rate: the share of questions with a gold passage among the first ten;
- recall@10: the share of R found among them;
- MRR: the mean of 1 / the first p;
- nDCG@10: the sum of 1 / log2(1 + p) over those found, divided by that of R places from the first
  on (Järvelin and Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques, 2002), at most 1:
  one long passage may bring several at once.
"""

from dataclasses import dataclass

from django.db import connection

from config.status import Status
from vectordb.models import VectorDatabase

K = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """Each 0 to 1, averaged over `questions`."""

    questions: int
    hit_rate: float
    recall: float
    mrr: float
    ndcg: float


# What a blueprint, or a version, was given for a question that has gold passages.
_BY_BLUEPRINT = """
    -- The newest answer alone: that a question was repeated gives it no more weight.
    SELECT DISTINCT ON (chat.blueprint_id, question.id)
        chat.blueprint_id AS subject, question.id AS question_id, prompt.citations
    FROM playground_goldquestion question
    JOIN playground_chatprompt prompt ON prompt.text = question.text AND prompt.status = %(done)s
    JOIN vectordb_vectordatabase base
        ON base.id = prompt.vector_database_id AND base.family_id = question.family_id
    JOIN playground_chat chat ON chat.id = prompt.chat_id
    JOIN playground_playground playground
        ON playground.id = chat.playground_id AND playground.use_case_id = question.use_case_id
    WHERE question.family_id = %(family)s
    ORDER BY chat.blueprint_id, question.id, prompt.created_at DESC, prompt.id
"""
_BY_VERSION = """
    SELECT measurement.vector_database_id AS subject, result.question_id, result.citations
    FROM playground_goldquestion question
    JOIN playground_goldresult result ON result.question_id = question.id
    JOIN playground_goldmeasurement measurement ON measurement.id = result.measurement_id
    WHERE question.family_id = %(family)s
"""
_FIGURES = """
WITH gold AS (
    SELECT label.question_id, label.document_id, label.document_name,
        label.start_offset, label.end_offset
    FROM playground_goldlabel label
    JOIN playground_goldquestion question ON question.id = label.question_id
    WHERE question.family_id = %(family)s
    GROUP BY label.question_id, label.document_id, label.document_name,
        label.start_offset, label.end_offset
    HAVING sum(CASE WHEN label.is_relevant THEN 1 ELSE -1 END) > 0
), asked AS ({asked}), found AS (
    SELECT asked.subject, asked.question_id,
        min(passage.number) FILTER (WHERE passage.number <= %(k)s) AS place
    FROM asked
    JOIN gold ON gold.question_id = asked.question_id
    LEFT JOIN LATERAL jsonb_to_recordset(asked.citations)
        AS passage (number int, document_id text, source text, start bigint, "end" bigint)
        ON passage.document_id = gold.document_id AND passage.source = gold.document_name
        AND 2 * (least(passage."end", gold.end_offset) - greatest(passage.start, gold.start_offset))
            >= least(passage."end" - passage.start, gold.end_offset - gold.start_offset)
    GROUP BY asked.subject, asked.question_id,
        gold.document_id, gold.document_name, gold.start_offset, gold.end_offset
), by_question AS (
    SELECT subject, count(*) AS relevant, count(place) AS hits, min(place) AS first,
        coalesce(sum(1 / log(2.0, 1.0 + place)), 0) AS gain
    FROM found GROUP BY subject, question_id
)
SELECT subject, count(*),
    avg(CASE WHEN hits > 0 THEN 1.0 ELSE 0.0 END)::float8,
    avg(hits::float8 / relevant),
    avg(coalesce(1.0 / first, 0))::float8,
    avg(least(1, gain / (
        SELECT sum(1 / log(2.0, 1.0 + place)) FROM generate_series(1, least(relevant, %(k)s)) place
    )))::float8
FROM by_question GROUP BY subject
"""


def figures_by_blueprint(database: VectorDatabase) -> dict[str, Figures]:
    """By the id of the blueprint, over the gold questions of the database's family that it has
    answered with one of its versions."""
    return _figures(_BY_BLUEPRINT, database)


def figures_by_version(database: VectorDatabase) -> dict[str, Figures]:
    """By the id of each version of the family that was measured."""
    return _figures(_BY_VERSION, database)


def _figures(asked: str, database: VectorDatabase) -> dict[str, Figures]:
    done = str(Status.COMPLETED)
    given: dict[str, str | int] = {"family": database.family_id, "done": done, "k": K}
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES.format(asked=asked), given)
        return {row[0]: Figures(*row[1:]) for row in cursor.fetchall()}
