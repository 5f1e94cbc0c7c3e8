"""Names in the query of a listing: one that is not known is refused, not passed over."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.server.serving import flow, node, service

FLOW = flow(node("a", "give", value=5), id="five", name="Five")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("executions?stauts=running", "no parameter 'stauts'; did you mean status?"),
        ("executions?ids=a&worklfowId=five", "no parameter 'worklfowId'; did you mean workflowId?"),
        ("approvals?asignedUserId=u1", "did you mean assignedUserId?"),
        ("effects?untill=1h", "did you mean until?"),
        ("files?zzz=1", "no parameter 'zzz'; this takes limit, cursor"),
        ("schedules?workflow=five", "did you mean workflowId?"),
        ("schedules/none/ticks?limt=1", "did you mean limit?"),
        ("workflows?label=a:b", "no parameter 'label'; this takes none"),
        ("workflows/five/versions?limit=1", "this takes none"),
        ("entities?organizationId=north", "this takes none"),
        ("entities/none/records?colums=a", "did you mean columns?"),
        ("handlers?type=give", "this takes none"),
        ("plugins?name=x", "this takes none"),
    ],
)
async def test_a_parameter_that_is_not_there_is_named(tmp_path: Path, path: str, said: str) -> None:
    """A filter that is mistyped is 422 with the name that is perhaps meant, not all there is."""
    async with service(tmp_path, memory=True) as here:
        body = await here.get(f"/api/{path}", 422)
        assert "INVALID_REQUEST" == body["code"]
        assert said in body["detail"]


async def test_what_existing_clients_call_takes_any_parameter(tmp_path: Path) -> None:
    """The calls that were there before Caudal pass over what they do not know."""
    async with service(tmp_path) as here:
        execution_id = await here.start(FLOW)
        await here.ended(execution_id)
        for path in (
            f"executions/{execution_id}",
            f"executions/{execution_id}/logs",
            "workflows/five/executions",
        ):
            await here.get(f"/api/{path}?limt=1&_=17", 200)
