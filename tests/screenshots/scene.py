"""A small shop's support team, made by hand in the browser: what pictures and checks of all pages show."""

from pathlib import Path

from playwright.sync_api import Page, expect
from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas

from tests.llm_server import UNAUTHORIZED, LLMServer
from tests.screenshots.material import MODEL, QUESTIONS, RETURNS, TOOL, WARRANTY

PATIENCE = 60_000


class Scene:
    """A small shop's support team, made by hand in the browser."""

    def __init__(
        self, page: Page, llm: LLMServer, folder: Path, *, endpoint: str = "Test server"
    ) -> None:
        """`endpoint` is what `llm` is added as; its model must have a name of its own."""
        self.page = page
        self.llm = llm
        self.folder = folder
        self.endpoint = endpoint
        self.urls: dict[str, str] = {}

    def make(self) -> None:
        self._fill_form("/llms/endpoints/new/", Name=self.endpoint, Base_URL=self.llm.base_url)
        self._fill_form("/use-cases/new/", Name="Support", submit="Create")
        self.urls["use-case"] = self.page.url
        self._click("New playground")
        self._fill(Name="Refund policy bot")
        self.page.get_by_role("button", name="Create").click()
        self.page.wait_for_selector("text=Start with your documents")
        self.urls["playground"] = self.page.url
        self._upload()
        self._ask("Can a customer return an opened item after 30 days?")
        self._answered(1)
        self.urls["chat"] = self.page.url
        self.page.get_by_role("button", name="Good answer").first.click()
        self._ask("When is damage in transit refunded?")
        self._answered(2)
        self._other_blueprints()
        self._find_other_pages()
        self._replay()
        self._test_retrieval()
        self._find_prompts()
        self._compare()
        self._compare_blindly()
        self._ask_a_grid()
        self._judge_a_passage()
        self._keep_questions()
        self._cut_in_the_lab()
        self._log_by_a_program()

    def _fill_form(self, url: str, *, submit: str = "Add", **fields: str) -> None:
        self.page.goto(url)
        self._fill(**fields)
        self.page.get_by_role("button", name=submit).click()
        self.page.wait_for_load_state()

    def _fill(self, **fields: str) -> None:
        for label, value in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(value)

    def _click(self, name: str) -> None:
        self.page.get_by_role("link", name=name).first.click()

    def _upload(self) -> None:
        handbook, warranty = self.folder / "returns.pdf", self.folder / "warranty.md"
        canvas = Canvas(str(handbook), pagesize=A5)
        for text in RETURNS:
            canvas.setFont("Helvetica", 8)
            canvas.drawString(20, 500, text)
            canvas.showPage()
        canvas.save()
        warranty.write_text(WARRANTY)
        self.page.set_input_files("input[type=file]", [handbook, warranty])
        self.page.get_by_role("button", name="Upload and build").click()
        self.page.wait_for_selector("text=is ready:", timeout=PATIENCE)

    def _ask(self, text: str) -> None:
        self.page.get_by_label("Your question").fill(text)
        self.page.keyboard.press("Control+Enter")

    def _answered(self, count: int) -> None:
        # Not with a function in the page: its content security policy allows no eval.
        expect(self.page.locator(".turn .answer.prose")).to_have_count(count, timeout=PATIENCE)

    def _other_blueprints(self) -> None:
        new = self.page.locator("a[aria-label='New blueprint']").get_attribute("href")
        assert new is not None
        self.urls["new-blueprint"] = new
        self.page.goto(new)
        self._fill(Name="Neighbours on")
        self.page.get_by_label("Add neighbour chunks").check()
        self.page.get_by_role("button", name="Create").click()
        self.page.goto(new)
        self._fill(Name="Own server")
        self.page.get_by_label("LLM", exact=True).select_option(label=self.llm.models[0]["id"])
        self.page.get_by_role("button", name="Create").click()
        self.llm.script(UNAUTHORIZED)
        self._ask("Is an opened item refunded?")
        self.page.wait_for_selector(".failure", timeout=PATIENCE)
        self.urls["failed"] = self.page.url

    def _find_other_pages(self) -> None:
        page = self.page
        page.goto(self.urls["chat"])
        trace = page.get_by_role("link", name="Trace", exact=True).first.get_attribute("href")
        page.get_by_role("link", name="Sources").click()
        page.wait_for_load_state()
        self.urls["sources"] = page.url
        links = page.locator("td.name a").evaluate_all("all => all.map(one => one.href)")
        self.urls |= {"trace": trace or "", "dataset": links[0], "database": links[1]}
        self.urls["traces"] = self.urls["use-case"] + "traces/"
        self.urls["lab"] = self.urls["dataset"] + "lab/"
        self.urls["gold"] = self.urls["database"] + "gold/"
        self.urls["chunks"] = self.urls["database"] + "documents/1/chunks/"
        self.urls["source"] = self.urls["database"] + "chunks/1000000/"
        self.urls["chunk-edit"] = self.urls["source"] + "edit/"

    def _replay(self) -> None:
        page = self.page
        page.goto(self.urls["chat"])
        page.get_by_label("More about this question").first.click()
        page.get_by_role("link", name="Replay", exact=True).first.click()
        page.wait_for_url("**/replay/")
        self.urls["replays"] = page.url
        page.get_by_role("button", name="Replay exactly").click()
        page.wait_for_selector("text=Passages that were read", timeout=PATIENCE)
        self.urls["replay"] = page.url

    def _test_retrieval(self) -> None:
        page = self.page
        page.goto(self.urls["database"])
        self._click("Test retrieval")
        page.wait_for_url("**/retrieval/")
        self.urls["retrieval"] = page.url
        question = page.get_by_role("textbox", name="Question")
        question.fill("Can a customer return an opened item after 30 days?")
        other = page.get_by_role("group", name="Compare with")
        other.get_by_label("Settings").select_option(label="Own settings")
        other.get_by_label("Search", exact=True).select_option(label="By words")
        other.get_by_role("spinbutton", name="Token cap").fill("45")
        page.get_by_role("button", name="Search").click()
        page.wait_for_selector(".found-side", timeout=PATIENCE)
        self.urls["retrieval-test"] = page.url

    def _find_prompts(self) -> None:
        page = self.page
        self.urls["prompts"] = self.urls["use-case"] + "prompts/"
        page.goto(self.urls["prompts"])
        page.get_by_role("link", name="baseline", exact=True).click()
        page.wait_for_url("**/blueprints/*/")
        self.urls["prompt"] = page.url
        page.get_by_role("link", name="Edit from v1").click()
        page.wait_for_url("**/edit/")
        self.urls["prompt-editor"] = page.url
        self.urls["prompt-version"] = page.url.replace("/edit/", "/")
        page.get_by_role("textbox", name="Text of message 1").fill(
            "Answer {{name}} from the sources, and cite them."
        )
        page.get_by_role("button", name="Save as version").click()
        page.wait_for_selector("text=was saved")
        self._click("Changes since v1")
        page.wait_for_url("**/differences/*")
        self.urls["prompt-differences"] = page.url
        self.urls["prompt-deploy"] = self.urls["prompt"] + "deploy/"

    def _compare(self) -> None:
        page = self.page
        page.goto(self.urls["playground"] + "compare/?new")
        self._ask("Can a customer return an opened item after 30 days?")
        page.wait_for_url("**/comparisons/*/")
        expect(page.get_by_role("button", name="is best").first).to_be_visible(timeout=PATIENCE)
        page.get_by_role("button", name="is best").first.click()
        expect(page.locator(".measured").first).to_be_visible()
        self.urls["compare"] = page.url
        self.urls["compare-new"] = self.urls["playground"] + "compare/?new"
        self.urls["charts"] = self.urls["use-case"] + "traces/charts/"
        self.urls["question-sets"] = self.urls["use-case"] + "question-sets/"

    def _ask_a_grid(self) -> None:
        page = self.page
        self.urls["grid-new"] = self.urls["playground"] + "grid/?new"
        page.goto(self.urls["grid-new"])
        rows = "".join(f'"{question}","{expected}"\n' for question, expected in QUESTIONS)
        file = {"name": "returns.csv", "mimeType": "text/csv"}
        page.get_by_label("Or a CSV file").set_input_files(
            file | {"buffer": f"question,expected_answer\n{rows}".encode()}  # type: ignore[arg-type]
        )
        page.get_by_label("Name", exact=True).fill("Returns, before the spring sale")
        page.get_by_role("button", name="Ask all").click()
        page.wait_for_url("**/grids/*/")
        expect(page.locator("#grid-state .status-COMPLETED")).to_be_visible(timeout=PATIENCE)
        self.urls["grid"] = page.url
        self.urls["grid-differences"] = page.url + "?show=different&sort=word+f1&order=desc"

    def _compare_blindly(self) -> None:
        page = self.page
        page.goto(self.urls["compare-new"])
        page.get_by_label("Blind").check()
        self._ask("Who settles claims from day 61 on?")
        page.wait_for_url("**/comparisons/*/")
        expect(page.get_by_role("button", name="is best").first).to_be_visible(timeout=PATIENCE)
        self.urls["compare-blind"] = page.url

    def _judge_a_passage(self) -> None:
        page = self.page
        page.goto(self.urls["chat"])
        page.locator("[data-source]").first.click()
        page.get_by_role("button", name="It helps").click()
        expect(page.get_by_role("button", name="It helps", pressed=True)).to_be_visible()

    def _keep_questions(self) -> None:
        self._fill_form(self.urls["question-sets"] + "new/", submit="Create", Name="Returns")
        self.urls["question-set"] = self.page.url
        for question, expected in QUESTIONS[:3]:
            self.page.goto(self.urls["question-set"] + "questions/new/")
            self._fill(Question=question, Expected_answer=expected)
            self.page.get_by_role("button", name="Add").click()
            self.page.wait_for_url(self.urls["question-set"] + "**")

    def _cut_in_the_lab(self) -> None:
        page = self.page
        page.goto(self.urls["lab"])
        page.get_by_role("button", name="Compare").click()
        expect(page.locator(".trial .facts")).to_have_count(2, timeout=PATIENCE)
        self.urls["lab-trial"] = page.url

    def _log_by_a_program(self) -> None:
        """A session of a prompt and a tool, as programs log it."""
        page = self.page
        page.goto("/account/tokens/")
        self._fill(Name="Pictures")
        use_case = self.urls["use-case"].rstrip("/").rpartition("/")[2]
        page.get_by_label("Use case").select_option(value=use_case)
        page.get_by_role("button", name="Create token").click()
        secret = page.locator("#secret").text_content() or ""
        for project, config in (("tools/search", TOOL), ("flows/assistant", MODEL)):
            body = {
                "project": project,
                "config": config,
                "inputs": {"question": QUESTIONS[0][0]},
                "output": QUESTIONS[0][1],
                "session_reference_id": "a talk with one customer",
            }
            answer = page.request.post("/v4/logs", headers={"X-API-KEY": secret}, data=body)
            assert answer.ok, answer.text()
        session = answer.json()["session_id"].removeprefix("sesh_")
        self.urls["session"] = f"/sessions/{session}/"
        page.goto(self.urls["prompts"])
        page.get_by_role("link", name="search", exact=True).click()
        page.wait_for_url("**/files/*/")
        self.urls["file"] = page.url
