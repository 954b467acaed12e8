"""The commands of the installation itself, and all that Rapport has without any other distribution."""

from __future__ import annotations

from rapport.capabilities.audit.command import COMMANDS as AUDIT
from rapport.capabilities.consent.command import COMMANDS as CONSENT
from rapport.capabilities.lake.command import COMMANDS as LAKE
from rapport.capabilities.loyalty.command import COMMANDS as LOYALTY
from rapport.capabilities.prediction.command import COMMANDS as PREDICTION
from rapport.capabilities.recommendations.command import COMMANDS as RECOMMENDATIONS
from rapport.compose import commands as rooms
from rapport.compose.command import Command

__all__ = ["OWN", "SYSTEM"]

SYSTEM = (
    Command(
        name="serve",
        help="Run the server and its workers until Ctrl-C.",
        command="rapport.app.running_commands:serve",
    ),
    Command(
        name="worker",
        help="Run one worker until Ctrl-C; start as many as there are cores, on any machine that reaches the database.",
        command="rapport.app.running_commands:worker",
    ),
    Command(
        name="undo",
        help="Take back what a source sent in a window, as if it had never come; first only the numbers.",
        command="rapport.app.undo_commands:undo",
    ),
    Command(
        name="undo-back",
        help="Put back what was taken back at most 30 days ago.",
        command="rapport.app.undo_commands:undo_back",
    ),
    Command(
        name="demo",
        help="Load a simulated shop through the endpoints, then let it live on; console and storefront to look at.",
        command="rapport.app.running_commands:demo",
    ),
    Command(
        name="keys",
        help="Print the workspace, its first write key and the operator's API key; made where they are missing.",
        command="rapport.app.installation_commands:keys",
    ),
    Command(
        name="user",
        help="Who may sign in to the console: add somebody, or let somebody in again who has lost the password.",
        command="rapport.app.installation_commands:user",
    ),
    Command(
        name="digest",
        help="Fold what is in the log and print one digest over all Golden Records: equal for equal facts, on every"
        " engine.",
        command="rapport.app.installation_commands:digest",
    ),
    Command(
        name="doctor",
        help="Look at the installation and say what to mend; changes nothing.",
        command="rapport.app.doctor.command:doctor",
    ),
    Command(
        name="backup",
        help="Write everything in the database to one file, while the server runs.",
        command="rapport.app.backup_commands:backup",
    ),
    Command(
        name="restore",
        help="Put a backup back, with nothing else running on that database.",
        command="rapport.app.backup_commands:restore",
    ),
    Command(
        name="secrets",
        help="Secrets that must be read again, such as those of webhooks and mail servers: how they lie, and sealing.",
        command="rapport.app.secret_commands:secrets",
    ),
    Command(
        name="workspaces",
        help="The shops of this installation: list, add, change their settings.",
        command="rapport.app.workspace_commands:workspaces",
    ),
    Command(
        name="settings",
        help="What a shop decides of each slice: show, change.",
        command="rapport.app.settings_commands:settings_group",
    ),
    Command(
        name="jobs",
        help="What workers do beside folding, again and again: how it went last, and a turn now.",
        command="rapport.app.job_commands:jobs",
    ),
    Command(
        name="import",
        help="Bring facts in from files.",
        command="rapport.adapters.files.commands:import_group",
    ),
)

OWN = (
    *SYSTEM,
    *rooms.COLLECT,
    *rooms.RESOLVE,
    *rooms.REMEMBER,
    *rooms.MEASURE,
    *CONSENT,
    *LOYALTY,
    *PREDICTION,
    *LAKE,
    *RECOMMENDATIONS,
    *AUDIT,
)
"""A test holds it against what the slices declare."""
