"""The packages are typed for whoever imports them: the type checker reads them without stubs."""

import caudal_builtin
import caudal_core
import caudal_integrations
import caudal_ot
import caudal_server

PACKAGES = (caudal_core, caudal_builtin, caudal_ot, caudal_integrations, caudal_server)
