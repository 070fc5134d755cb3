"""CronJobs: jobs made by the clock."""
