"""The controller manager: one folder per controller, each deciding in `plan.py` and acting in `controller.py`."""
