"""A shop in FastAPI, right or with one fault."""

from pathlib import Path
from typing import Literal

from fastapi import FastAPI, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel, Field
from shop_faults import PAGES, Fault, score_of


class NewOrder(BaseModel):
    """What a buyer sends."""

    item: str = Field(min_length=1, max_length=80)
    quantity: int = Field(default=1, ge=1, le=100)


class LooseOrder(BaseModel):
    """What a buyer may leave out, by mistake."""

    item: str | None = "tea"


class Order(NewOrder):
    """An order as it is kept."""

    id: int
    status: Literal["open", "paid", "sent"]


class StrictChange(BaseModel):
    """A change of an order's state."""

    status: Literal["open", "paid", "sent"]


class LooseChange(BaseModel):
    """A change to whatever one likes."""

    status: str


class Document(BaseModel):
    """A text to look at."""

    text: str


class Pleasantness(BaseModel):
    """How pleasant a text is."""

    score: float


class Words(BaseModel):
    """What a text is made of."""

    words: int
    mean_length: float


def shop(fault: Fault | None) -> FastAPI:
    """Return the application."""
    app = FastAPI(title="Orders over MCP" if fault is Fault.NO_MCP else "Orders")
    orders: dict[int, Order] = {1: Order(id=1, item="tea", status="open")}
    if fault is Fault.ANY_ORIGIN:
        app.add_middleware(
            CORSMiddleware, allow_origins=["*"], allow_credentials=True, allow_methods=["*"], allow_headers=["*"]
        )

    def found(order_id: int) -> Order:
        if order_id not in orders:
            if fault is Fault.UNKNOWN_ID_IS_FOUND:
                return Order(id=order_id, item="sample", status="open")
            raise HTTPException(404)
        return orders[order_id]

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/orders")
    def all_orders(status: Literal["open", "paid", "sent"] | None = None) -> list[Order]:
        return [order for order in orders.values() if status in (None, order.status)]

    @app.get("/orders/{order_id}")
    def one_order(order_id: int) -> Order:
        return found(order_id)

    if fault is Fault.MISSING_FIELD_CRASHES:

        @app.post("/orders", status_code=201)
        def create_anything(wanted: LooseOrder) -> Order:
            return keep(NewOrder.model_validate({"item": wanted.model_dump(exclude_unset=True)["item"]}))
    else:

        @app.post("/orders", status_code=201)
        def create(wanted: NewOrder) -> Order:
            return keep(wanted)

    def keep(wanted: NewOrder) -> Order:
        order = Order(id=max(orders) + 1, status="open", **wanted.model_dump())
        orders[order.id] = order
        return order

    if fault is Fault.ANY_STATE:

        @app.patch("/orders/{order_id}")
        def change_to_anything(order_id: int, change: LooseChange) -> dict[str, str]:
            return {"status": change.status, "item": found(order_id).item}
    else:

        @app.patch("/orders/{order_id}")
        def change(order_id: int, change: StrictChange) -> Order:
            orders[order_id] = found(order_id).model_copy(update={"status": change.status})
            return orders[order_id]

    @app.delete("/orders/{order_id}", status_code=204)
    def forget(order_id: int) -> None:
        found(order_id)
        orders.pop(order_id, None)

    @app.post("/pleasantness")
    def pleasantness(document: Document) -> Pleasantness:
        return Pleasantness(score=0.87 if fault is Fault.CONSTANT_SCORE else score_of(document.text))

    @app.post("/words")
    def words(document: Document) -> Words:
        found_words = document.text.split()
        if not found_words and fault is not Fault.EMPTY_DOCUMENT_CRASHES:
            return Words(words=0, mean_length=0)
        return Words(words=len(found_words), mean_length=sum(map(len, found_words)) / len(found_words))

    @app.get("/pages/{page_name:path}")
    def page(page_name: str) -> dict[str, str]:
        if fault is Fault.ANY_FILE and Path("/", page_name).is_file():
            return {"text": Path("/", page_name).read_text("utf-8")}
        if page_name not in PAGES:
            raise HTTPException(404)
        return {"text": PAGES[page_name]}

    return app
