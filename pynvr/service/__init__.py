"""What a daemon needs: log, health, systemd, console, memory."""
