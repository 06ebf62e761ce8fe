from datetime import timedelta

from django.urls import reverse

from tracing.models import Face, Log, LogKind, LogPayload


def test_a_trace_shows_funnel_passages_prompt_and_figures(client, alice, world):
    client.force_login(alice)

    page = client.get(reverse("tracing:log-detail", args=[world.log.pk])).content.decode()

    assert "How long may I wait?" in page
    for part in (
        "similarity",
        "returns.md · p.&nbsp;4",
        "Returns &gt; Deadlines",
        "0.910",
        "exact",
        "1.24 s",
    ):
        assert part in page
    assert "Answer from &lt;source&gt; only." in page
    assert "CHAT_HISTORY_AWARE" in page


def test_any_log_of_the_tree_opens_the_whole_tree(client, alice, world):
    client.force_login(alice)
    child = Log.objects.filter(parent=world.log)[0]

    page = client.get(reverse("tracing:log-detail", args=[child.pk])).content.decode()

    assert "How long may I wait?" in page


def test_a_trace_whose_payload_expired_is_still_a_page(client, alice, world):
    client.force_login(alice)
    LogPayload.objects.all().delete()

    assert client.get(reverse("tracing:log-detail", args=[world.log.pk])).status_code == 200
    assert client.get(reverse("tracing:log-list", args=[world.use_case.pk])).status_code == 200


def test_a_programs_trace_is_shown_to_any_depth_from_any_of_its_logs(client, alice, world):
    client.force_login(alice)
    root = world.log
    parent, made = root, []
    for number in range(30):
        log = Log.objects.create(
            use_case=root.use_case,
            kind=LogKind.TOOL,
            face=Face.PROMPTS,
            parent=parent,
            root=root,
            started_at=root.started_at,
            ended_at=root.started_at + timedelta(seconds=1),
        )
        LogPayload.objects.create(log=log, inputs={"a": [1]}, text=f"<b>result {number}</b>")
        parent = log
        made.append(log)

    for log in (root, made[0], made[-1]):
        page = client.get(reverse("tracing:log-detail", args=[log.pk])).content.decode()

        assert page.count('<details class="span ') == 33
        for number in range(30):
            assert f"&lt;b&gt;result {number}&lt;/b&gt;" in page
        assert page.count("<div") == page.count("</div>")
        assert 2 <= page.count('class="span-children"') <= 9
        assert "1.00 s" in page
