"""What clerks do for their office: the week at a glance, acting on behalf of citizens, moving many appointments."""
