from django.db import migrations

# Ratings of programs by the evaluator `rating`, thumbs in chats; of the rest only that it is there. The
# row is locked first, so that what is counted then is all that was committed by then.
_COUNT = """
CREATE FUNCTION playground_count_feedback(text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF $1 IS NULL THEN
        RETURN;
    END IF;
    PERFORM 1 FROM tracing_log WHERE id = $1 FOR NO KEY UPDATE;
    UPDATE tracing_log SET
        thumbs_up = found.ups, thumbs_down = found.downs, judgment_count = found.total
    FROM (
        SELECT count(*) FILTER (WHERE word = 'good') AS ups,
            count(*) FILTER (WHERE word = 'bad') AS downs, count(*) AS total
        FROM (
            SELECT CASE WHEN file.path = 'rating' THEN log.judgment #>> '{}' END AS word
            FROM tracing_log AS log LEFT JOIN blueprints_file AS file ON file.id = log.file_id
            WHERE log.judged_id = $1 AND log.judgment IS NOT NULL
            UNION ALL
            SELECT CASE WHEN feedback.is_positive THEN 'good' ELSE 'bad' END
            FROM playground_feedback AS feedback
            JOIN playground_chatprompt AS prompt ON prompt.id = feedback.prompt_id
            WHERE prompt.log_id = $1
        ) AS said
    ) AS found
    WHERE id = $1 AND (thumbs_up, thumbs_down, judgment_count)
        IS DISTINCT FROM (found.ups::int, found.downs::int, found.total::int);
END
$$;

CREATE FUNCTION playground_feedback_of_judgment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM playground_count_feedback(OLD.judged_id);
    END IF;
    IF TG_OP <> 'DELETE' AND (TG_OP = 'INSERT' OR NEW.judged_id IS DISTINCT FROM OLD.judged_id
            OR NEW.judgment IS DISTINCT FROM OLD.judgment) THEN
        PERFORM playground_count_feedback(NEW.judged_id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_feedback_of_new AFTER INSERT ON tracing_log
    FOR EACH ROW WHEN (NEW.judged_id IS NOT NULL)
    EXECUTE FUNCTION playground_feedback_of_judgment();
CREATE TRIGGER count_feedback_of_changed AFTER UPDATE OF judged_id, judgment, file_id ON tracing_log
    FOR EACH ROW WHEN (
        (OLD.judged_id, OLD.judgment, OLD.file_id)
        IS DISTINCT FROM (NEW.judged_id, NEW.judgment, NEW.file_id))
    EXECUTE FUNCTION playground_feedback_of_judgment();
CREATE TRIGGER count_feedback_of_gone AFTER DELETE ON tracing_log
    FOR EACH ROW WHEN (OLD.judged_id IS NOT NULL)
    EXECUTE FUNCTION playground_feedback_of_judgment();

CREATE FUNCTION playground_feedback_of_thumb() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM playground_count_feedback(
        (SELECT log_id FROM playground_chatprompt WHERE id = coalesce(NEW.prompt_id, OLD.prompt_id)));
    RETURN NULL;
END
$$;
CREATE TRIGGER count_feedback AFTER INSERT OR UPDATE OR DELETE ON playground_feedback
    FOR EACH ROW EXECUTE FUNCTION playground_feedback_of_thumb();

CREATE FUNCTION playground_feedback_of_prompt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM playground_feedback WHERE prompt_id = NEW.id) THEN
        PERFORM playground_count_feedback(OLD.log_id);
        PERFORM playground_count_feedback(NEW.log_id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_feedback AFTER UPDATE OF log_id ON playground_chatprompt
    FOR EACH ROW WHEN (OLD.log_id IS DISTINCT FROM NEW.log_id)
    EXECUTE FUNCTION playground_feedback_of_prompt();

CREATE FUNCTION playground_feedback_of_evaluator() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM playground_count_feedback(judged_id) FROM (
        SELECT DISTINCT judged_id FROM tracing_log
        WHERE file_id = NEW.id AND judged_id IS NOT NULL ORDER BY judged_id) AS log;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_feedback AFTER UPDATE OF path ON blueprints_file
    FOR EACH ROW WHEN ((OLD.path = 'rating') <> (NEW.path = 'rating'))
    EXECUTE FUNCTION playground_feedback_of_evaluator();
"""
_COUNT_NO_MORE = """
DROP TRIGGER count_feedback ON blueprints_file;
DROP TRIGGER count_feedback ON playground_chatprompt;
DROP TRIGGER count_feedback ON playground_feedback;
DROP TRIGGER count_feedback_of_new ON tracing_log;
DROP TRIGGER count_feedback_of_changed ON tracing_log;
DROP TRIGGER count_feedback_of_gone ON tracing_log;
DROP FUNCTION playground_feedback_of_evaluator();
DROP FUNCTION playground_feedback_of_prompt();
DROP FUNCTION playground_feedback_of_thumb();
DROP FUNCTION playground_feedback_of_judgment();
DROP FUNCTION playground_count_feedback(text);
"""


class Migration(migrations.Migration):
    """The database counts: logs, thumbs and what both are about go by so many ways."""

    dependencies = [
        ("playground", "0017_follow_up_questions"),
        ("blueprints", "0010_deployments_begin_their_history"),
        ("tracing", "0012_build_indexes"),
    ]

    operations = [migrations.RunSQL(_COUNT, _COUNT_NO_MORE)]
