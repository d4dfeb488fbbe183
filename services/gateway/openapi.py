"""Prints the OpenAPI document that the web client is made from: `python -m services.gateway.openapi`."""

import json
import sys

from services.gateway.app import create_api


def main() -> None:
    json.dump(create_api(None).openapi(), sys.stdout, ensure_ascii=False, indent=2, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
