"""Spreadsheets and presentations through the door: a question about one cell finds its row, under its header."""

import subprocess
import sys

from tests.support.documents import a_pptx, an_xlsx
from tests.support.house import Office

HEADER = ["Machine", "Site", "Output"]
ROWS = [[f"Press {number}", f"Hall {number % 7}", f"{number * 13} tonnes"] for number in range(60)]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"


async def finds_the_row(tenant: Office, name: str, body: bytes, content_type: str) -> dict[str, object]:
    """Uploads the file, asks about one cell, and looks at the file as it is served again; the chunk that was found."""
    fed = await tenant.upload(name, body)
    assert fed["run"]["status"] == "succeeded", fed["run"]

    found = (await tenant.search("What is the output of Press 47?"))["results"]

    chunk = next(result for result in found if "| Press 47 | Hall 5 | 611 tonnes |" in result["content"])
    assert "| Machine | Site | Output |" in chunk["content"]
    document = (await tenant.get("/v1/documents"))["items"][0]
    served = await tenant.call("GET", f"/v1/documents/{document['id']}/file")
    assert (served.headers["content-type"], served.content) == (content_type, body)
    return chunk


async def test_a_cell_of_a_spreadsheet_is_found_with_its_row_and_header(tenant: Office) -> None:
    chunk = await finds_the_row(tenant, "presses.xlsx", an_xlsx({"Presses": [HEADER, *ROWS]}), XLSX)
    assert chunk["heading_path"] == ["Presses"]


async def test_a_cell_of_a_slide_is_found_with_its_row_header_and_page(tenant: Office) -> None:
    body = a_pptx({"Welcome": ["To the mill."], "Presses": ["What they make."]}, table=[HEADER, *ROWS])
    chunk = await finds_the_row(tenant, "presses.pptx", body, PPTX)
    assert (chunk["heading_path"], chunk["page"]) == (["Presses"], 2)


def test_the_service_itself_never_loads_the_readers() -> None:
    code = "import sys, app.asgi, app.parsing.parse; print({'pptx', 'python_calamine'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "set()"
