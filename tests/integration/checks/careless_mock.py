"""A mock written in a hurry: it reads bodies by itself, so its document says little, and it believes everything."""

from typing import Any

from fastapi import FastAPI, Request, UploadFile


def careless_mock() -> FastAPI:
    """Return the application."""
    app = FastAPI(title="Analyzer")

    @app.post("/analyze")
    async def analyze(request: Request) -> dict[str, Any]:
        data = await request.json()
        return {"score": 0.87, "text": data["text"]}

    @app.post("/rate")
    def rate(payload: dict[str, Any]) -> dict[str, Any]:
        return {"confidence": 0.93, "fields": len(payload)}

    @app.get("/items/{item_id}")
    def item(item_id: str) -> dict[str, str]:
        return {"id": item_id, "name": "sample"}

    @app.post("/workflow")
    def workflow(name: str, status: str = "open") -> dict[str, str]:
        return {"name": name, "status": status}

    @app.post("/upload")
    async def upload(file: UploadFile) -> dict[str, float]:
        words = (await file.read()).decode().split()
        return {"mean_length": sum(map(len, words)) / len(words)}

    @app.get("/read")
    def read(filename: str) -> dict[str, str | None]:
        try:
            with open(filename, encoding="utf-8") as file:
                return {"content": file.read()}
        except OSError:
            return {"content": None}

    return app
