"""An evaluation goes on after the worker was killed in its middle, and asks nothing twice."""

from tests.stack import words
from tests.visitors import wait_for

ROWS = 12
QUESTIONS = "question\n" + "".join(f"Question {number}?\n" for number in range(ROWS))


def test_it_survives_the_worker(stack):
    stack.answers_with(words(10), interval_ms=50)
    dataset = stack.alice.upload({"questions.csv": QUESTIONS.encode()})
    configuration = stack.alice.make(
        "genai/evaluationDatasetConfigurations/",
        name="Questions",
        useCaseId=stack.use_case,
        playgroundId=stack.playground,
        datasetId=dataset,
        promptColumnName="question",
    )["id"]
    job = stack.alice.make(
        "genai/evaluationDatasetMetricAggregations/",
        chatName="Nightly",
        llmBlueprintIds=[stack.blueprint],
        evaluationDatasetConfigurationId=configuration,
        insightsConfiguration=[{"insightName": "response_tokens"}],
    )["jobId"]

    def answered() -> int:
        [(count,)] = stack.sql(
            "SELECT count(*) FROM playground_chatprompt p"
            " JOIN evaluation_evaluationrow r ON r.prompt_id = p.id"
            " JOIN evaluation_evaluationchat e ON e.id = r.evaluation_chat_id"
            " WHERE p.status = 'COMPLETED' AND e.run_id = %s",
            job,
        )
        return int(count)

    wait_for(lambda: 0 < answered() < ROWS, "the middle of the evaluation")
    stack.process("worker").kill()

    def status() -> str:
        return str(stack.alice.get(f"genai/status/{job}/")["status"])

    wait_for(lambda: status() == "COMPLETED", "the end of the evaluation")
    chat = stack.sql("SELECT chat_id FROM evaluation_evaluationchat WHERE run_id = %s", job)[0][0]
    prompts = stack.alice.get(f"genai/chatPrompts/?chatId={chat}")["data"]
    assert {prompt["executionStatus"] for prompt in prompts} == {"COMPLETED"}
    assert sorted(prompt["text"] for prompt in prompts) == sorted(
        f"Question {number}?" for number in range(ROWS)
    )
    [figure] = stack.alice.get(f"genai/evaluationDatasetMetricAggregations/?chatIds={chat}")["data"]
    assert figure["aggregationValue"] == 10
