"""What operators see, as code: the SLOs' rules, Grafana's dashboards, and pictures of them."""
