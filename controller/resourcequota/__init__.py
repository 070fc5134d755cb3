"""ResourceQuotas: what is used is counted anew, whenever something goes away and from time to time."""
