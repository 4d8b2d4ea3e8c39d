"""The peer: a plain loop with Google's own client, as its guides show it.

    python -m benchmarks.sources.google_loop FOLDER_ID TARGET          everything; prints the position after it
    python -m benchmarks.sources.google_loop FOLDER_ID TARGET POSITION what changed since

It writes to a local folder, keeps no rows, and repeats nothing that fails: less than a sync of ours does.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from google.oauth2 import service_account
from googleapiclient.discovery import build  # type: ignore[import-untyped]
from googleapiclient.http import MediaIoBaseDownload  # type: ignore[import-untyped]

from benchmarks.sources.memory import Memory

SCOPE = "https://www.googleapis.com/auth/drive.readonly"
FIELDS = "id,name,mimeType,md5Checksum,size,parents,trashed"


def drive() -> Any:
    """The client, with the service account of the environment."""
    key = json.loads(Path(os.environ["GOOGLE_SERVICE_ACCOUNT_FILE"]).read_text())
    key["token_uri"] = os.environ["GOOGLE_TOKEN_URL"]
    credentials = service_account.Credentials.from_service_account_info(key, scopes=[SCOPE])  # type: ignore[no-untyped-call]
    return build("drive", "v3", credentials=credentials, client_options={"api_endpoint": api()}, static_discovery=True)


def api() -> str:
    return f"{os.environ['GOOGLE_API_URL']}/drive/v3/"


def full(client: Any, folder: str, target: Path) -> tuple[int, str]:
    """Every file of the folder; how many, and the position from which changes are to be followed."""
    position = client.changes().getStartPageToken(supportsAllDrives=True).execute()["startPageToken"]
    count, page = 0, None
    while True:
        question = f"('{folder}' in parents) and trashed = false"
        answer = client.files().list(
            q=question, pageSize=1000, pageToken=page, fields=f"nextPageToken,files({FIELDS})"
        ).execute()  # fmt: skip
        for file in answer["files"]:
            download(client, file["id"], target)
            count += 1
        page = answer.get("nextPageToken")
        if page is None:
            return count, position


def changed(client: Any, folder: str, target: Path, position: str) -> tuple[int, str]:
    """Every file of the folder that changed since ``position``."""
    count, page = 0, position
    while True:
        fields = f"nextPageToken,newStartPageToken,changes(fileId,removed,file({FIELDS}))"
        answer = client.changes().list(pageToken=page, pageSize=1000, fields=fields).execute()
        for change in answer["changes"]:
            if not change["removed"] and folder in change["file"].get("parents", []):
                download(client, change["fileId"], target)
                count += 1
        if "newStartPageToken" in answer:
            return count, answer["newStartPageToken"]
        page = answer["nextPageToken"]


def download(client: Any, file_id: str, target: Path) -> None:
    with (target / file_id).open("wb") as file:
        loader = MediaIoBaseDownload(file, client.files().get_media(fileId=file_id), chunksize=1 << 20)
        done = False
        while not done:
            _, done = loader.next_chunk()


def main() -> None:
    folder, target, *position = sys.argv[1:]
    Path(target).mkdir(exist_ok=True)
    client = drive()
    memory, began = Memory(), time.perf_counter()
    count, after = changed(client, folder, Path(target), *position) if position else full(client, folder, Path(target))
    seconds = time.perf_counter() - began
    json.dump({"listed": count, "position": after, "seconds": seconds, "megabytes": memory.above_start()}, sys.stdout)


if __name__ == "__main__":
    main()
