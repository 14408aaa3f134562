"""Where tritonclient is installed: prints as JSON the messages that these `config.pbtxt` files hold."""

import json
import sys
from pathlib import Path

from google.protobuf import json_format, text_format
from tritonclient.grpc import model_config_pb2

texts = [Path(path).read_text(encoding="utf-8") for path in sys.argv[1:]]
messages = [text_format.Parse(text, model_config_pb2.ModelConfig()) for text in texts]
print(json.dumps([json_format.MessageToDict(message) for message in messages]))
