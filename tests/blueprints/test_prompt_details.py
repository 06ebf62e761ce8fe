"""What a prompt says beyond its settings, and what of it makes a version."""

from dataclasses import replace

from blueprints import services
from blueprints.llm_settings import LLMSettings
from blueprints.prompt_details import PromptDetails
from blueprints.settings import AnswerSettings

TOOL = {"name": "weather", "description": "Tells it.", "parameters": {"type": "object"}}
DETAILS = PromptDetails(
    template=[{"role": "user", "content": "In {{city}}?"}], stop=["END"], tools=[TOOL], seed=0
)


def test_only_what_says_something_is_kept():
    assert PromptDetails().to_json() == {}
    assert DETAILS.to_json() == {
        "template": [{"role": "user", "content": "In {{city}}?"}],
        "stop": ["END"],
        "seed": 0,
        "tools": [TOOL],
    }


def test_it_is_read_as_it_was_written_and_without_what_is_not_known():
    assert PromptDetails.from_json(DETAILS.to_json() | {"colour": "red"}) == DETAILS


def test_settings_without_details_hash_as_before_there_were_any():
    settings = AnswerSettings(llm_id="extractive", llm_settings=LLMSettings(temperature=0.5))

    known = "732f8b9c4f7381bc02465b06a5997a28ea36ef5cd7c52ce8af230440ac603ecc"
    assert settings.content_hash() == known
    assert replace(settings, prompt=PromptDetails()).content_hash() == settings.content_hash()
    assert replace(settings, prompt=DETAILS).content_hash() != settings.content_hash()


def test_details_make_a_version_and_come_back_with_it(alice, use_case):
    settings = AnswerSettings(llm_id="extractive")
    blueprint = services.create_blueprint(
        user=alice, use_case=use_case, name="Bot", settings=settings
    )

    told = services.save_version(blueprint, user=alice, settings=replace(settings, prompt=DETAILS))

    assert told.number == 2
    told.refresh_from_db()
    assert AnswerSettings.of_version(told).prompt == DETAILS
    again = services.save_version(blueprint, user=alice, settings=settings)
    assert again.number == 1
