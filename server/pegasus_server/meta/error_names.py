"""The framework error names meta answers with (protocol reference 3.1).

Meta imports ``base`` alone, so the names stand here again; a test compares them with the wire's.
All of them are known to every Pegasus client (3.2).
"""

from typing import Final

OK: Final = "ERR_OK"
APP_EXIST: Final = "ERR_APP_EXIST"
APP_NOT_EXIST: Final = "ERR_APP_NOT_EXIST"
BUSY: Final = "ERR_BUSY"
BUSY_CREATING: Final = "ERR_BUSY_CREATING"
FILE_OPERATION_FAILED: Final = "ERR_FILE_OPERATION_FAILED"
FORWARD_TO_OTHERS: Final = "ERR_FORWARD_TO_OTHERS"
INVALID_PARAMETERS: Final = "ERR_INVALID_PARAMETERS"
INVALID_STATE: Final = "ERR_INVALID_STATE"
INVALID_VERSION: Final = "ERR_INVALID_VERSION"
OBJECT_NOT_FOUND: Final = "ERR_OBJECT_NOT_FOUND"
STATE_FREEZED: Final = "ERR_STATE_FREEZED"
TIMEOUT: Final = "ERR_TIMEOUT"
