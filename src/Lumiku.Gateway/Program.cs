using Lumiku.Gateway.Commands;

return await GatewayCommandLine.RunAsync(args);
