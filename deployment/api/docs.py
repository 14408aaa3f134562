"""The page that shows the OpenAPI document; everything it needs comes from this server."""

from importlib.resources import files

from fastapi import FastAPI
from starlette.responses import Response

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#page", validatorUrl: null, deepLinking: true});\n'
_ONLY_FROM_HERE = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}


def add_docs(app: FastAPI) -> None:
    """Add `/docs`: Swagger UI as the package fastapi-offline has it, with addresses that work behind a proxy too."""
    static = files("fastapi_offline") / "static"
    contents = {name: ((static / name).read_bytes(), media_type) for name, media_type in _FILES.items()}
    contents["start.js"] = (_START.encode(), "text/javascript")

    @app.get("/docs", include_in_schema=False)
    async def page() -> Response:
        headers = {"Content-Security-Policy": _ONLY_FROM_HERE}
        return Response(_PAGE.format(title=app.title), headers=headers, media_type="text/html")

    def add(name: str, content: bytes, media_type: str) -> None:
        @app.get(f"/docs/{name}", include_in_schema=False)
        async def file() -> Response:
            return Response(content, headers={"Cache-Control": "max-age=3600"}, media_type=media_type)

    for name, (content, media_type) in contents.items():
        add(name, content, media_type)
