# One image for every role: the command chooses (api, worker, one worker class, migrate).
FROM python:3.11-slim AS build
RUN pip install --no-cache-dir uv
WORKDIR /app
COPY requirements.runtime.lock pyproject.toml README.md ./
RUN uv venv /app/.venv && uv pip sync --python /app/.venv/bin/python --require-hashes requirements.runtime.lock
COPY src ./src
RUN uv pip install --python /app/.venv/bin/python --no-deps .

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home dealpulse
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 API_HOST=0.0.0.0
USER dealpulse
WORKDIR /tmp
EXPOSE 3000
CMD ["dealpulse", "worker"]
