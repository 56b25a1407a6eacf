"""What runs unattended: schedules, watches, the service and what it tells systemd."""
