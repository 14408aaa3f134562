"""The model behind a plain FastAPI app, as its tutorial has it.

The variant `async` answers in the event loop, `threads` in FastAPI's thread pool.
"""

from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from work import arguments, load

from inference import PredictOptions


def main() -> None:
    """Serve until killed."""
    options = arguments(__doc__ or "")
    predictor = load(options.outputs)
    example: Any = predictor.example_type
    answer_type: Any = predictor.chapter.serving.Answer

    class Question(BaseModel):
        input: example

    class Reply(BaseModel):
        answer: answer_type

    app = FastAPI()

    def reply(question: Question) -> Reply:
        return Reply(answer=predictor.predict([question.input], PredictOptions())[0])

    if options.variant == "threads":
        app.post("/v1/predict", response_model=Reply)(reply)
    else:

        @app.post("/v1/predict")
        async def predict(question: Question) -> Reply:
            return reply(question)

    uvicorn.run(app, host="127.0.0.1", port=options.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
